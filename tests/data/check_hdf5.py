#!/usr/bin/env python3
"""What tests/plugins/test_hdf5.c saved, read as docs/file-format.md says.   python3 check_hdf5.py FILE"""
import os
import struct
import sys

import h5py
import numpy as np

path = sys.argv[1]
types = {"float32": "<f4", "float64": "<f8", "float16": "<f2", "bfloat16": "<u2", "int64": "<i8", "int32": "<i4", "uint8": "|u1", "bool": "|b1"}

with h5py.File(path, "r") as f:
    assert f.attrs["format"].decode() == "luron"
    assert f.attrs["format_version"] == 1 and f.attrs["format_version"].dtype == np.dtype("<i8")
    assert f.attrs["luron_version"].decode().count(".") == 2
    assert f.attrs["isa"].decode()
    for i, (name, dtype) in enumerate(types.items()):
        d = f["model/parameters/layer.%d/%s" % (i, name)]
        assert d.dtype == np.dtype(dtype), (name, d.dtype)
        assert d.chunks is None and d.compression is None
        values = d[()]
        if name == "bfloat16":
            assert d.attrs["dtype"].decode() == "bfloat16"
            values = (values.astype("<u4") << 16).view("<f4")
        assert values.astype(float).tolist() == [[0, 1], [1, 0]], (name, values)
    assert f["training/number"][()] == 2.5 and f["training/number"].shape == ()
    assert f["training/empty"].shape == (0, 3)
    assert int(f["training/epoch"][()]) == 3
    assert f["training/random_seed"][()] and f["training/random_position"][()]
    assert f["preprocessing/classes"][()].decode() == '["\u00e9t\u00e9"]'

data = open(path, "rb").read()
magic, version, kind, length, checksum = struct.unpack("<8sIIQQ", data[-32:])
assert (magic, version, kind, length) == (b"LURON\x1a\r\n", 1, 1, len(data) - 32)
try:
    import xxhash
    assert xxhash.xxh64_intdigest(data[:-32]) == checksum
except ImportError:
    pass
