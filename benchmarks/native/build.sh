#!/bin/sh
# Builds full_pass into benchmarks/out/. The official BLAKE3 C library comes from the `blake3` crate: set BLAKE3_C to its
# c/ folder, or have cargo on the path and it is fetched.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out="$here/../out"
mkdir -p "$out"
if [ -z "${BLAKE3_C:-}" ]; then
  scratch=$(mktemp -d)
  mkdir "$scratch/src"
  : > "$scratch/src/lib.rs"
  printf '[package]\nname = "fetch"\nversion = "0.0.0"\nedition = "2021"\n[dependencies]\nblake3 = "=1.8.7"\n' > "$scratch/Cargo.toml"
  (cd "$scratch" && CARGO_HOME="$scratch/home" cargo fetch --quiet)
  BLAKE3_C=$(echo "$scratch"/home/registry/src/*/blake3-1.8.7/c)
fi
objects="blake3.c blake3_dispatch.c blake3_portable.c"
case $(uname -m) in
  x86_64)
    for isa in sse2 sse41 avx2 avx512; do objects="$objects blake3_${isa}_x86-64_unix.S"; done ;;
  aarch64) objects="$objects blake3_neon.c" ;;
esac
cd "$BLAKE3_C"
# shellcheck disable=SC2086
gcc -O3 -march=native -I. -o "$out/full_pass" "$here/full_pass.c" $objects -lpthread
