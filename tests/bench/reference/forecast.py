"""Keras's LSTM with the recipe of models/forecast.lua; beside it the error of saying the last value again.

forecast.py [SET...]: airline, sunspots, pm25; all unless given.
"""
import os
import sys

os.environ["KERAS_BACKEND"] = "torch"
import common
import keras
import numpy as np
import torch

torch.set_num_threads(1)
common.begin(keras, torch)


def series(name):
    return np.array([[float(row[1])] for row in common.table("timeseries/%s.csv" % name)[1:]])


def pollution():
    rows, last = [], 0.0
    for row in common.table("timeseries/pollution.csv.gz")[25:]:
        last = float(row[5]) if row[5] != "NA" else last
        rows.append([last, *map(float, row[6:9]), *(float(row[9] == w) for w in ("NE", "NW", "SE", "cv")), *map(float, row[10:13])])
    return np.array(rows[:2 * 8760])


SETS = {"airline": (lambda: series("airline-passengers"), 13, 96, 100, 8, True), "sunspots": (lambda: series("monthly-sunspots"), 24, 1974, 20, 32, False),
        "pm25": (pollution, 24, 8760, 5, 64, False)}
for name in sys.argv[1:] or SETS:
    read, window, first, epochs, batch, log = SETS[name]
    raw = read()
    values = np.log(raw) if log else raw
    mean, std = values[:first].mean(0), values[:first].std(0)
    z = ((values - mean) / np.where(std == 0, 1, std)).astype(np.float32)
    x = np.stack([z[i:i + window] for i in range(len(z) - window)])
    if log:  # the airline's heights grow: looked at from the last value
        x = x - z[window - 1:-1, :, None]
    change = z[window:, 0] - z[window - 1:-1, 0]
    cut = first - window

    def back(v):
        v = v * std[0] + mean[0]
        return np.exp(v) if log else v

    truth = raw[first:, 0]
    naive = np.sqrt(np.mean((raw[first - 1:-1, 0] - truth) ** 2))

    def run(seed):
        keras.utils.set_random_seed(seed)
        model = keras.Sequential([keras.Input((window, z.shape[1])), keras.layers.LSTM(32), keras.layers.Dense(1)])
        model.compile(optimizer=keras.optimizers.Adam(5e-3 if name != "pm25" else 1e-3), loss="mse")
        model.fit(x[:cut], change[:cut], epochs=epochs, batch_size=batch, verbose=0)
        guess = back(z[first - 1:-1, 0] + model.predict(x[cut:], verbose=0)[:, 0])
        error = np.sqrt(np.mean((guess - truth) ** 2))
        return {"error": error, "naive": naive, "below": 100 * (1 - error / naive)}

    common.each_seed(name, run, 3)
