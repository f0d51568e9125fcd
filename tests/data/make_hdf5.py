#!/usr/bin/env python3
"""HDF5 files for tests/plugins/test_hdf5.c, each with one rule of docs/file-format.md broken, and two good ones.

    python3 tests/data/make_hdf5.py        (needs h5py; writes tests/data/hdf5/)
"""
import os

import h5py
import numpy as np

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "hdf5")
W = np.arange(6, dtype="<f4").reshape(2, 3)


def make(name, fill, version=1):
    path = os.path.join(FOLDER, name + ".h5")
    with h5py.File(path, "w", libver=("earliest", "v110")) as f:
        f.attrs["made_by"] = "tests/data/make_hdf5.py"
        f.attrs["format"] = "luron"
        if version is not None:
            f.attrs["format_version"] = version
        fill(f.create_group("model/parameters"), f)
    return path


def patch(path, old, new, times=1):
    data = open(path, "rb").read()
    assert len(old) == len(new) and data.count(old) == times, (path, data.count(old))
    open(path, "wb").write(data.replace(old, new))


def contiguous(group, name, data):
    return group.create_dataset(name, data=data)


def good(p, f):
    contiguous(p, "gate/weight", W)
    p["gate"].attrs["type"] = "Linear"
    f["model/architecture"] = ""                       # variable length, as h5py writes a str
    f["preprocessing/classes"] = np.bytes_('["a"]')    # fixed length
    f["training/epoch"] = np.bytes_("7")
    f["training/mask"] = np.array([True, False])
    f["training/half"] = np.array([1, -2], dtype="<f2")
    f["training/number"] = np.float64(0.5)
    f["training/empty"] = np.zeros((0, 3), dtype="<i8")
    f["training/notes"] = np.int32(3)
    f["other/of_the_user"] = np.uint8(1)
    f.attrs["lengths"] = [1, 2, 3]                     # neither text nor integer: left alone


def nothing(p, f):
    pass


def deep(p, f):
    for i in range(15):
        p = p.create_group("deeper")


def low_level(p, name, type_id, space):
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_layout(h5py.h5d.CONTIGUOUS)
    return h5py.h5d.create(p.id, name, type_id, space, plist)


def compact(p, f):
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_layout(h5py.h5d.COMPACT)
    h5py.h5d.create(p.id, b"w", h5py.h5t.IEEE_F32LE, h5py.h5s.create_simple((2, 3)), plist).write(h5py.h5s.ALL, h5py.h5s.ALL, W)


def virtual(p, f):
    layout = h5py.VirtualLayout(shape=(2, 3), dtype="<f4")
    layout[:] = h5py.VirtualSource("secret.h5", "w", shape=(2, 3))
    p.create_virtual_dataset("w", layout)


def twice(p, f):
    contiguous(p, "a", W)
    p["b"] = p["a"]


def cycle(p, f):
    p.create_group("a")["again"] = p


def many_attributes(p, f):
    for i in range(70):
        p.attrs["key%d" % i] = i


def bool_of_two(p, f):
    contiguous(p, "w", np.array([True, False, True, True, True, False, False, True, False, True, True, True]))


make("good", good)
make("version_missing", nothing, None)
make("version_text", nothing, "1")
make("version_real", nothing, 1.0)
make("version_newer", nothing, 2)
make("soft_link", lambda p, f: p.__setitem__("w", h5py.SoftLink("/model")))
make("external_link", lambda p, f: p.__setitem__("w", h5py.ExternalLink("secret.h5", "/w")))
make("hard_link_twice", twice)
make("cycle", cycle)
make("virtual", virtual)
make("external_storage", lambda p, f: p.create_dataset("w", shape=(2, 3), dtype="<f4", external=[("secret.bin", 0, 24)]))
make("chunked", lambda p, f: p.create_dataset("w", data=W, chunks=(1, 3)))
make("deflate", lambda p, f: p.create_dataset("w", data=W, compression="gzip"))
make("compact", compact)
make("compound", lambda p, f: contiguous(p, "w", np.zeros(2, dtype=[("a", "<f4"), ("b", "<i4")])))
make("big_endian", lambda p, f: contiguous(p, "w", W.astype(">f4")))
make("int16", lambda p, f: contiguous(p, "w", W.astype("<i2")))
make("uint16", lambda p, f: contiguous(p, "w", W.astype("<u2")))
make("complex", lambda p, f: contiguous(p, "w", W.astype("<c8")))
make("opaque", lambda p, f: contiguous(p, "w", np.zeros(2, dtype="V5")))
make("enum", lambda p, f: p.create_dataset("w", data=np.array([0, 1], dtype="i1"), dtype=h5py.enum_dtype({"NO": 0, "YES": 1}, basetype="i1")))
make("strings", lambda p, f: contiguous(p, "w", np.array([b"a", b"b"])))
make("references", lambda p, f: p.create_dataset("w", data=np.array([f.ref], dtype=h5py.ref_dtype), dtype=h5py.ref_dtype))
make("null_space", lambda p, f: p.create_dataset("w", data=h5py.Empty("<f4")))
make("rank9", lambda p, f: contiguous(p, "w", W.reshape((2, 3) + (1,) * 7)))
make("named_type", lambda p, f: p.__setitem__("w", np.dtype("<f4")))
make("deep", deep)
make("name_control", lambda p, f: contiguous(p, "a\nb", W))
make("name_long", lambda p, f: contiguous(p, "n" * 513, W))
make("attributes", many_attributes)
make("attribute_name", lambda p, f: p.attrs.__setitem__("a\tb", 1))
make("never_written", lambda p, f: low_level(p, b"w", h5py.h5t.IEEE_F32LE, h5py.h5s.create_simple((1 << 19, 1 << 19))))

def fixed(n):
    text = h5py.h5t.C_S1.copy()
    text.set_size(n)
    return text


make("text_never_written", lambda p, f: low_level(p, b"w", fixed(1 << 24), h5py.h5s.create(h5py.h5s.SCALAR)))

# Two texts of variable length, 20000 bytes each, of which the file has one.
path = make("text_twice", lambda p, f: [p.create_dataset(name, data=data, dtype=h5py.string_dtype()) for name, data in (("v", "v" * 20000), ("w", "w"))])
with h5py.File(path) as f:
    at = [f["model/parameters/" + name].id.get_offset() for name in "vw"]
with open(path, "r+b") as f:
    f.seek(at[0])
    first = f.read(16)
    f.seek(at[1])
    f.write(first)

# Shapes that the library itself would not make: the sizes 71 and 73 replaced.
def sizes(a, b):
    return a.to_bytes(8, "little") + b.to_bytes(8, "little")


for name, a, b in (("huge", 1 << 31, 1 << 31), ("overflow", (1 << 63) + 1, 4), ("larger_than_stored", 72, 73)):
    path = make(name, lambda p, f: low_level(p, b"w", h5py.h5t.STD_U8LE, h5py.h5s.create_simple((71, 73))).write(h5py.h5s.ALL, h5py.h5s.ALL, np.ones((71, 73), "u1")))
    patch(path, sizes(71, 73), sizes(a, b), 2)  # sizes and largest sizes

path = make("bool_2", bool_of_two)
patch(path, bytes([1, 0, 1, 1, 1, 0, 0, 1, 0, 1, 1, 1]), bytes([1, 0, 1, 1, 1, 0, 0, 2, 0, 1, 1, 1]))

# The address of the data set's bytes, once in the file, made to point behind its end.
path = make("beyond_end", lambda p, f: contiguous(p, "w", np.arange(999, dtype="<f4")))
with h5py.File(path) as f:
    offset = f["model/parameters/w"].id.get_offset()
patch(path, offset.to_bytes(8, "little") + (3996).to_bytes(8, "little"), (offset + 4096).to_bytes(8, "little") + (3996).to_bytes(8, "little"))
