"""The mean of predictions for an image turned and mirrored in all eight ways."""

import numpy as np


def average_of_views(predict, images):
    """Mean over the 8 turned and mirrored versions of the images of predict(version), turned back.

    predict: takes (N, H, W, C) and gives (N, H, W, K). The mean is as symmetric as an image can be asked to
    be: a turned image gives the turned mean. (The paper averages over 7 rotated versions.)
    """
    images, total = np.asarray(images), None
    for turns in range(4):
        for side in (1, -1):
            version = np.rot90(images, turns, (1, 2))[:, :, ::side]
            found = np.asarray(predict(np.ascontiguousarray(version)))[:, :, ::side]
            found = np.rot90(found, -turns, (1, 2))
            total = found / 8 if total is None else total + found / 8
    return total
