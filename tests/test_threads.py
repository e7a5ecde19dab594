"""The pool of threads: the same bytes whoever joins; callers side by side; fork; signals; sleep."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import cyconv

RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 40, 40, 24)).astype("f4")
KERNEL = RNG.normal(size=(3, 3, 24, 32)).astype("f4")


@pytest.fixture(autouse=True)
def threads_as_before():
    before = cyconv.get_num_threads()
    yield
    cyconv.set_num_threads(before)


def answer():
    return cyconv.ops.conv(X, KERNEL, padding="same").tobytes()


def in_child(connection):
    connection.send_bytes(answer())


def test_growing_and_shrinking_teams_give_the_same_bytes():
    cyconv.set_num_threads(1)
    expected = answer()
    for threads in (2, 7, 3, 16, 1, 2):
        cyconv.set_num_threads(threads)
        assert all(answer() == expected for _ in range(20)), threads


def test_a_training_step_gives_the_same_bytes_with_more_threads_than_cores():
    """Some come late, or not at all. A transposed convolution of stride 3 is nine walks in one region."""
    cyconv.utils.set_random_seed(0)
    layers, x = cyconv.layers, X[:, :33, :31]
    model = cyconv.Sequential(
        [layers.Input(x.shape[1:]), layers.Conv2D(32, 3), layers.BatchNormalization(),
         layers.Conv2DTranspose(16, 4, strides=3), layers.Conv2D(48, 3, strides=2, activation="relu"),
         layers.MaxPooling2D(3), layers.Flatten(), layers.Dense(4)]
    )  # fmt: skip
    model.compile(cyconv.optimizers.SGD(1e-3), "mean_squared_error")
    begin, results = model.get_weights(), set()
    for threads in (1, 2, 16, 5):
        cyconv.set_num_threads(threads)
        model.set_weights(begin)
        losses = [model.train_on_batch(x, np.ones((4, 4), "f4")) for _ in range(8)]
        results.add((tuple(losses), *(w.tobytes() for w in model.get_weights())))
    assert len(results) == 1


def test_callers_in_several_python_threads_do_not_disturb_each_other():
    cyconv.set_num_threads(3)
    expected, wrong = answer(), []

    def work():
        wrong.extend(i for i in range(30) if answer() != expected)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert not any(worker.is_alive() for worker in workers) and wrong == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_has_a_pool_of_its_own():
    cyconv.set_num_threads(2)
    expected = answer()  # the parent's pool has started
    ours, theirs = multiprocessing.Pipe()
    child = multiprocessing.get_context("fork").Process(target=in_child, args=(theirs,))
    child.start()
    try:
        assert ours.poll(60), "the child hangs"
        assert ours.recv_bytes() == expected
    finally:
        child.kill()
        child.join()
    assert answer() == expected


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="needs Unix signals")
def test_signals_are_left_to_the_main_thread():
    cyconv.set_num_threads(4)
    seen = []
    before = signal.signal(signal.SIGALRM, lambda *_: seen.append(threading.current_thread()))
    try:
        answer()
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        end = time.monotonic() + 30
        while not seen and time.monotonic() < end:
            answer()
    finally:
        signal.signal(signal.SIGALRM, before)
    assert seen == [threading.main_thread()]


def test_a_process_whose_pool_sleeps_uses_no_processor_time_and_ends():
    program = (
        "import time, numpy as np, cyconv; cyconv.set_num_threads(4)\n"
        "x = np.ones((4, 40, 40, 24), 'f4'); k = np.ones((3, 3, 24, 32), 'f4')\n"
        "cyconv.ops.conv(x, k); time.sleep(.2); before = time.process_time()\n"
        "time.sleep(1); print(time.process_time() - before)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and float(done.stdout) < 0.1, done


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_process_forked_while_a_thread_predicts_can_predict(run_python):
    """The thread that held the lock for steps is not there in the child."""
    code = """
import os, threading, time, numpy as np, cyconv
from cyconv import layers
model = cyconv.Sequential([layers.Input((32, 32, 8)), layers.Conv2D(8, 3), layers.Conv2D(8, 3)])
x, stop = np.ones((16, 32, 32, 8), np.float32), threading.Event()
expected = model.predict_on_batch(x)

def go_on():
    while not stop.is_set():
        model.predict_on_batch(x)

thread = threading.Thread(target=go_on)
thread.start()
codes = []
for _ in range(4):
    child = os.fork()
    if not child:
        os._exit(0 if np.array_equal(model.predict_on_batch(x), expected) else 1)
    for _ in range(200):
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        time.sleep(0.1)
    else:
        os.kill(child, 9)
        status = -1
    codes.append(status)
stop.set()
thread.join()
print(codes)
"""
    assert run_python(code) == "[0, 0, 0, 0]"


@pytest.mark.parametrize("count", [2.5, "2", None])
def test_a_number_of_threads_is_a_whole_number(count):
    before = cyconv.get_num_threads()
    with pytest.raises(TypeError, match=r"number of threads is a whole number, 1 to \d+. Received: "):
        cyconv.set_num_threads(count)
    assert cyconv.get_num_threads() == before
