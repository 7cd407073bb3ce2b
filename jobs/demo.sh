#!/usr/bin/env bash
# demo.sh [VIDEO] [OPTION...] - install, build, and encode a video at two rungs
#
# Without VIDEO a short natural clip is fetched (720p, 10 s, with sound). Options go to
# `orrery run`; the run directory is printed at the end.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)

video=
if [ $# -gt 0 ] && [ "${1#-}" = "$1" ]; then
    video=$1
    shift
    [ -r "$video" ] || { echo "demo.sh: cannot read $video" >&2; exit 2; }
fi

bash "$here/cmake/setup.sh"
cmake -S "$here" -B "$here/build/release" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    -DORR_TESTS=OFF >/dev/null
cmake --build "$here/build/release" --target orrery | tail -n 1

if [ -z "$video" ]; then
    bash "$here/tests/support/clips.sh" --demo "$here/clips"
    for video in "$here/clips/ocean.mp4" "$here/clips/Megamind.avi"; do
        [ -s "$video" ] && break
    done
fi
[ -s "$video" ] || { echo "demo.sh: no clip could be fetched; name a video of your own" >&2; exit 1; }

cd "$here"
exec "$here/build/release/orrery" run jobs/clip.yaml --set "source=$(realpath "$video")" "$@"
