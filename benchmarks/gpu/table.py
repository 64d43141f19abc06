#!/usr/bin/env python3
"""Turns the JSON lines of a GPU run into a Markdown table, OUT/gpu.md. Usage: table.py OUT"""
import json
import pathlib
import sys


def lines(path):
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def milliseconds(seconds):
    return f"{seconds * 1e3:.3f}"


def share_table(rows):
    """One row a case, storage and share of active seeds; a pass has its time and its percentage of the copy rate."""
    passes = ("forward", "forward_in_place", "backward", "backward_in_place")
    grouped = {}
    for row in rows:
        key = (row["case"], row["dtype"], row["active"], row["seeds"])
        grouped.setdefault(key, {})[row["pass"]] = row
    out = ["| case | storage | active | copy GB/s | " + " | ".join(p.replace("_", " ") for p in passes) + " |",
           "|---|---|---|---|" + "---|" * len(passes)]
    for (case, dtype, active, seeds), entries in grouped.items():
        cells = []
        for name in passes:
            entry = entries.get(name)
            cells.append(f"{milliseconds(entry['seconds'])} ms, {entry['percent_of_copy']:.0f} %" if entry else "")
        copy = next(iter(entries.values()))["copy_gbs"]
        out.append(f"| {case} | {dtype} | {active}/{seeds} | {copy:.0f} | " + " | ".join(cells) + " |")
    return out


def eager_table(rows):
    out = ["| case | storage | active | eager fwd ms | Esper fwd ms | fwd | in place | fwd+bwd | fused, a seed |",
           "|---|---|---|---|---|---|---|---|---|"]
    for row in rows:
        out.append(f"| {row['case']} | {row['dtype']} | {row['active']}/{row['seeds']} | "
                   f"{milliseconds(row['eager_forward_s'])} | {milliseconds(row['esper_forward_s'])} | "
                   f"{row['forward_ratio']:.1f}x | {row['in_place_ratio']:.1f}x | {row['both_ratio']:.1f}x | "
                   f"{row['seed_by_seed_ratio']:.1f}x |")
    return out


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    text = ["# Lattice on the GPU", ""]
    machine = folder / "machine.txt"
    if machine.exists():
        text += ["```", machine.read_text(encoding="utf-8").strip(), "```", ""]
    shares = lines(folder / "cuda_lattice.jsonl")
    if shares:
        text += ["Times are medians; percentages are of the rate at which this device copies memory, measured in the",
                 "same rounds.", ""] + share_table(shares) + [""]
    eager = lines(folder / "lattice_cuda.jsonl")
    if eager:
        text += [f"Against eager PyTorch {eager[0]['torch']}, as median ratios of interleaved rounds; above 1 Esper is",
                 "faster.", ""] + eager_table(eager) + [""]
    if not shares and not eager:
        sys.exit(f"{folder} holds no results")
    (folder / "gpu.md").write_text("\n".join(text), encoding="utf-8")
    print(folder / "gpu.md")


if __name__ == "__main__":
    main()
