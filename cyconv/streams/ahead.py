"""Doing the next calls in background threads while the result of this one is used."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor


def ahead(calls, depth=2, workers=1):
    """The results of `calls` (functions without arguments), in order, up to `depth` computed ahead.

    With one worker the calls never overlap each other. An error in a call is raised here, with its own
    traceback, once the results before it are used up. The threads end with the iteration, however it ends:
    on an error elsewhere close the generator (`contextlib.closing`).
    """
    with ThreadPoolExecutor(workers, thread_name_prefix="cyconv-ahead") as pool:
        waiting = deque()
        try:
            for call in calls:
                waiting.append(pool.submit(call))
                if len(waiting) > depth:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
