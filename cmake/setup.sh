#!/usr/bin/env bash
# setup.sh [--tests] - install what Orrery is built with, or say what is missing
#
# On Debian and its relatives, as root or with sudo, missing packages are installed. Anywhere
# else the list is printed, with the names that Spack and EasyBuild use, and the exit code is 1.
set -euo pipefail

# what it is for | how to see it | Debian | Spack | EasyBuild
build='C compiler|cc|gcc|gcc|GCC
CMake 3.25 or newer|cmake|cmake|cmake|CMake
Ninja|ninja|ninja-build|ninja|Ninja
pkg-config|pkg-config|pkg-config|pkgconf|pkgconf
libc headers|/usr/include/stdio.h|libc6-dev|-|-
Open MPI 4.1 or newer|mpicc|libopenmpi-dev|openmpi|OpenMPI
mpirun|mpirun|openmpi-bin|openmpi|OpenMPI
HDF5 1.10 or newer (serial)|hdf5-serial.pc,hdf5.pc|libhdf5-dev|hdf5~mpi|HDF5
libyaml|yaml-0.1.pc|libyaml-dev|libyaml|libyaml
hwloc 2.4 or newer|hwloc.pc|libhwloc-dev|hwloc|hwloc
xxHash 0.8 or newer|libxxhash.pc|libxxhash-dev|xxhash|xxHash
Jansson 2.13 or newer|jansson.pc|libjansson-dev|jansson|Jansson
libavformat (FFmpeg 5.0 or newer)|libavformat.pc|libavformat-dev|ffmpeg|FFmpeg
libavcodec|libavcodec.pc|libavcodec-dev|ffmpeg|FFmpeg
libavfilter|libavfilter.pc|libavfilter-dev|ffmpeg|FFmpeg
libavutil|libavutil.pc|libavutil-dev|ffmpeg|FFmpeg
libswscale|libswscale.pc|libswscale-dev|ffmpeg|FFmpeg
libswresample|libswresample.pc|libswresample-dev|ffmpeg|FFmpeg
ffmpeg and ffprobe|ffprobe|ffmpeg|ffmpeg|FFmpeg
man page compiler|scdoc|scdoc|scdoc|-'
tests='cmocka|cmocka.pc|libcmocka-dev|cmocka|cmocka
h5dump and h5ls|h5dump|hdf5-tools|hdf5|HDF5
clang|clang|clang|llvm|Clang
clang-format|clang-format|clang-format|llvm|Clang
libFuzzer|/usr/lib/llvm-14/lib/clang/14.0.6/lib|libclang-rt-14-dev|llvm|Clang
Python 3 with h5py|/usr/lib/python3/dist-packages/h5py|python3-h5py|py-h5py|h5py
Python 3 with matplotlib|/usr/lib/python3/dist-packages/matplotlib|python3-matplotlib|py-matplotlib|matplotlib
Python 3 with jsonschema|/usr/lib/python3/dist-packages/jsonschema|python3-jsonschema|py-jsonschema|jsonschema
Python 3 with PyYAML|/usr/lib/python3/dist-packages/yaml|python3-yaml|py-pyyaml|PyYAML
Python 3|/usr/bin/python3|python3-minimal|python|Python
shellcheck|shellcheck|shellcheck|shellcheck|-
git|git|git|git|git
npm (fetches test clips)|npm|npm|npm|nodejs
mandoc|mandoc|mandoc|-|-
CLIPS (tests/bench/clips.sh)|clips|clips|-|-
GNU parallel (tests/bench/peers.sh)|parallel|parallel|parallel|parallel
mpi4py (tests/bench/peers.sh)|/usr/lib/python3/dist-packages/mpi4py|python3-mpi4py|py-mpi4py|mpi4py
Chromium (looks at pages)|chromium|chromium|-|-
Graphviz|dot|graphviz|graphviz|Graphviz'

wanted=$build
[ "${1-}" = --tests ] && wanted=$build$'\n'$tests

# Is NAME there? A program, a file, or a pkg-config module (one of a comma-separated list).
present() {
    local name
    for name in ${1//,/ }; do
        case $name in
        *.pc) command -v pkg-config >/dev/null && pkg-config --exists "${name%.pc}" && return 0 ;;
        /*) [ -e "$name" ] && return 0 ;;
        *) command -v "$name" >/dev/null && return 0 ;;
        esac
    done
    return 1
}

missing() {
    local what see debian spack easybuild
    while IFS='|' read -r what see debian spack easybuild; do
        present "$see" || printf '%s|%s|%s|%s\n' "$what" "$debian" "$spack" "$easybuild"
    done <<<"$wanted"
}

list_missing() {
    echo "setup.sh: these are missing (Debian package, Spack package, EasyBuild module):" >&2
    while IFS='|' read -r what debian spack easybuild; do
        printf '  %-36s %-18s %-12s %s\n' "$what" "$debian" "$spack" "$easybuild" >&2
    done <<<"$1"
}

lacking=$(missing)
[ -z "$lacking" ] && exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
    as_root='sudo -n'
    sudo -n true 2>/dev/null || as_root=none
fi
if ! command -v apt-get >/dev/null || [ "$as_root" = none ]; then
    list_missing "$lacking"
    echo "setup.sh: install or load them (no apt-get here, or no rights to use it), then try again" >&2
    exit 1
fi

mapfile -t packages < <(cut -d'|' -f2 <<<"$lacking" | sort -u)
echo "setup.sh: installing ${packages[*]}"
log=$(mktemp)
if ! {
    $as_root apt-get update -qq &&
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
            --no-install-recommends "${packages[@]}"
} >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    list_missing "$lacking"
    echo "setup.sh: apt-get failed (its last lines are above)" >&2
    exit 1
fi
rm -f "$log"
hash -r
lacking=$(missing)
if [ -n "$lacking" ]; then
    list_missing "$lacking"
    echo "setup.sh: still missing after the installation" >&2
    exit 1
fi
