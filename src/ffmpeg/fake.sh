#!/bin/sh
# Plays ffmpeg for the unit tests of src/ffmpeg: answers each question from a file beside it, and as
# an encoder says what said.NAME holds and does what do.NAME says.
here=$(dirname "$0")
echo "$*" >>"$here/asked"
for last; do :; done
case "$*" in
-version) cat "$here/version" ;;
*-protocols) cat "$here/protocols" ;;
*-encoders) cat "$here/encoders" ;;
*-muxers) cat "$here/muxers" ;;
*"-h encoder="*) cat "$here/options.${last#encoder=}" 2>/dev/null || echo "Codec '${last#encoder=}' is not recognized by FFmpeg." ;;
*)
    while [ $# -gt 0 ]; do
        [ "$1" = -c:v ] && name=$2
        shift
    done
    [ -f "$here/said.$name" ] && cat "$here/said.$name" >&2
    . "$here/do.$name"
    ;;
esac
