"""ONNX Runtime and OpenVINO in float32, on the network as PyTorch exports it."""

import contextlib
import io
import logging
import tempfile
import warnings
from pathlib import Path

import torch

from .torch_peer import channels_first, to_torch


def export(model, x):
    """The network as the bytes of an ONNX file, for batches like x."""
    module, _ = to_torch(model)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it misses parts that no network here has
    images = channels_first(x).contiguous()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder) / "net.onnx"
        with contextlib.redirect_stdout(io.StringIO()):  # the exporter tells its progress
            torch.onnx.export(module.eval(), (images,), str(path), dynamo=True, external_data=False)
        return path.read_bytes(), images.numpy()


def onnxruntime_run(network, images, threads):
    """A function that gives ONNX Runtime's output."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: images}
    return lambda: session.run(None, feed)[0]


def openvino_run(network, images, threads):
    """A function that gives OpenVINO's output."""
    import openvino

    core = openvino.Core()
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads,
                "PERFORMANCE_HINT": "LATENCY"}  # fmt: skip
    request = core.compile_model(core.read_model(network), "CPU", settings).create_infer_request()
    return lambda: request.infer([images], share_inputs=True)[0]


RUNTIMES = {"onnxruntime": onnxruntime_run, "openvino": openvino_run}
