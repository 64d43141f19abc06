#!/usr/bin/python3
"""Writes ONNX's own node tests as model.onnx, in0.npy ..., out0.npy ..., one directory a case.

    node_cases.py DIR OPERATOR...

Needs Debian's python3-onnx. A host fixes axes, bounds and shapes when it is imported: inputs of a case that hold them become initializers.
"""
import os
import sys
import warnings

import numpy as np

warnings.filterwarnings("ignore")
for name, kind in {"bool": bool, "int": int, "float": float, "object": object}.items():
    if name not in np.__dict__:
        setattr(np, name, kind)  # ONNX 1.12 still uses the names that NumPy has dropped.

import onnx  # noqa: E402
from onnx import numpy_helper  # noqa: E402
from onnx.backend.test.case.node import collect_testcases  # noqa: E402

# Inputs, by operator, that say how and not what to compute.
FIXED = {
    "Clip": [1, 2], "ConstantOfShape": [0], "CumSum": [1], "Dropout": [1, 2], "Expand": [1], "OneHot": [1, 2], "Pad": [1, 2, 3], "Range": [0, 1, 2],
    "ReduceMean": [1], "ReduceSum": [1], "Reshape": [1], "Resize": [1, 2, 3], "Slice": [1, 2, 3, 4], "Split": [1], "Squeeze": [1], "Tile": [1],
    "TopK": [1], "Trilu": [1], "Unsqueeze": [1], "BatchNormalization": [1, 2, 3, 4],
}
FIXED.update({name: [1] for name in ("ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare")})


def write(case, directory):
    graph = case.model.graph
    inputs, outputs = case.data_sets[0]
    arrays = [np.asarray(array) for array in inputs]
    fixed = FIXED.get(graph.node[0].op_type, [])
    names = [name for i, name in enumerate(graph.node[0].input) if i in fixed and name]
    os.makedirs(directory, exist_ok=True)
    count = 0
    for value, array in list(zip(graph.input, arrays)):
        if value.name in names:
            graph.initializer.append(numpy_helper.from_array(array, value.name))
            graph.input.remove(value)
        else:
            np.save(os.path.join(directory, f"in{count}.npy"), np.ascontiguousarray(array).reshape(array.shape))
            count += 1
    for i, array in enumerate(outputs):
        array = np.asarray(array)
        np.save(os.path.join(directory, f"out{i}.npy"), np.ascontiguousarray(array).reshape(array.shape))
    for opset in case.model.opset_import:
        if opset.domain == "":
            opset.version = max(opset.version, 13)
    onnx.save(case.model, os.path.join(directory, "model.onnx"))


def main():
    directory, operators = sys.argv[1], set(sys.argv[2:])
    written = 0
    for case in collect_testcases(None):
        # Cases of one node; the "expanded" ones are functions written out, which test other operators again.
        if case.model is None or not case.data_sets or len(case.model.graph.node) != 1 or case.model.graph.node[0].op_type not in operators:
            continue
        arrays = [np.asarray(array) for array in list(case.data_sets[0][0]) + list(case.data_sets[0][1])]
        # NumPy has no bfloat16, hosts no uint64, and masks are drawn by each program in its own way.
        odd = "BFLOAT16" in case.name or case.name.startswith("test_training_dropout")
        if odd or any(array.dtype.kind not in "fiub" or array.dtype == np.uint64 for array in arrays):
            continue
        write(case, os.path.join(directory, case.name))
        written += 1
    print(written)


main()
