"""Compares the vector indexes of a Milvus server on the vectors of an rqsearch index.

    target/test-tools/milvus/python/bin/python benches/cluster/indexes.py http://127.0.0.1:19530 scale_100000

Each index replaces the one before it. For each, prints a row of a Markdown table: the time to build and load it, the median and
the 99th percentile of 100 searches for the 600 nearest vectors, and how many of those that FLAT finds it finds too. The phrases
are vectors of the collection with noise. At the end, the index is AUTOINDEX again, as rqsearch creates it.
"""

import math
import random
import statistics
import sys
import time

from pymilvus import MilvusClient

NEAREST = 600
PHRASES = 100
NOISE = 0.03

# The name, the parameters of the index, and those of a search.
INDEXES = [
    ("FLAT", {}, {}),
    ("HNSW", {"M": 16, "efConstruction": 200}, {"ef": 2 * NEAREST}),
    ("IVF_FLAT", {"nlist": 512}, {"nprobe": 64}),
    ("IVF_SQ8", {"nlist": 512}, {"nprobe": 64}),
    ("AUTOINDEX", {}, {}),
    ("AUTOINDEX", {}, {"ef": 2 * NEAREST}),
]


def with_noise(vector: list[float], generator: random.Random) -> list[float]:
    noisy = [value + generator.gauss(0, NOISE) for value in vector]
    length = math.hypot(*noisy)
    return [value / length for value in noisy]


def replace_index(client: MilvusClient, collection: str, kind: str, parameters: dict) -> float:
    """Returns the seconds that it took."""
    start = time.perf_counter()
    client.release_collection(collection)
    client.drop_index(collection, "vector")
    index = client.prepare_index_params()
    index.add_index("vector", index_type=kind, metric_type="IP", params=parameters)
    client.create_index(collection, index)
    client.load_collection(collection)
    return time.perf_counter() - start


def search(client: MilvusClient, collection: str, phrase: list[float], parameters: dict) -> tuple[float, set[str]]:
    start = time.perf_counter()
    found = client.search(
        collection,
        data=[phrase],
        anns_field="vector",
        limit=NEAREST,
        output_fields=["question"],
        search_params={"params": parameters},
    )
    return time.perf_counter() - start, {hit["id"] for hit in found[0]}


def main() -> None:
    address, name = sys.argv[1:]
    client, collection = MilvusClient(uri=address), f"{name}_vectors"
    generator = random.Random(1)
    rows = client.query(collection, filter="row == 0", output_fields=["vector"], limit=2_000)
    phrases = [with_noise(row["vector"], generator) for row in generator.sample(rows, PHRASES)]
    nearest: list[set[str]] = []
    before = None
    print("| index | search | build | p50 | p99 | found |\n|---|---|---:|---:|---:|---:|")
    for kind, parameters, of_search in INDEXES:
        seconds = 0.0 if kind == before else replace_index(client, collection, kind, parameters)
        before = kind
        for phrase in phrases[:10]:
            search(client, collection, phrase, of_search)
        results = [search(client, collection, phrase, of_search) for phrase in phrases]
        times = sorted(time for time, _ in results)
        found = [ids for _, ids in results]
        nearest = nearest or found
        share = statistics.mean(len(a & b) / NEAREST for a, b in zip(found, nearest, strict=True))
        p50, p99 = times[len(times) // 2] * 1e3, times[len(times) * 99 // 100] * 1e3
        print(f"| {kind} {parameters or ''} | {of_search or ''} | {seconds:.0f} s | {p50:.0f} ms | {p99:.0f} ms | {share:.3f} |", flush=True)


main()
