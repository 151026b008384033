#!/usr/bin/env python3
"""Makes PdConsoleSans-{Regular,Bold}.otf from Noto Sans CJK KR. See README.md.

usage: make.py FOLDER_OF_NotoSansCJK-{Regular,Bold}.ttc      (needs: pip install fonttools)
"""
import pathlib
import sys
from fontTools import subset
from fontTools.ttLib import TTCollection

here = pathlib.Path(__file__).resolve().parent
texts = ("en.ftl", "ko.ftl", "messages.ko.po")
words = "".join((here.parent / "i18n" / name).read_text("utf-8") for name in texts)

latin = set(map(chr, [*range(0x20, 0x7F), *range(0xA0, 0x100)]))
marks = set("—–−…·×∞→←↑↓‘’“”•≤≥±°€₩№™※○●△▲▽▼□■◇◆☆★、。「」『』《》〈〉【】〔〕・")
jamo = set(map(chr, range(0x3131, 0x318F)))
# The 2350 syllables of KS X 1001, rows 16 to 40.
hangul = {
    bytes([row, cell]).decode("euc_kr") for row in range(0xB0, 0xC9) for cell in range(0xA1, 0xFF)
}
assert len(hangul) == 2350

small = latin | marks | (set(words) - {"\n"})
for weight, letters in {"Regular": small | jamo | hangul, "Bold": small}.items():
    collection = TTCollection(pathlib.Path(sys.argv[1]) / f"NotoSansCJK-{weight}.ttc")
    (font,) = [f for f in collection.fonts if f["name"].getDebugName(1) == "Noto Sans CJK KR"]
    options = subset.Options(
        layout_features=["kern"], hinting=False, desubroutinize=True,
        name_IDs=[0, 1, 2, 3, 4, 5, 6, 7, 13, 14],
    )
    options.drop_tables += ["BASE", "VORG", "vhea", "vmtx"]
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=map(ord, letters))
    subsetter.subset(font)
    out = here / f"PdConsoleSans-{weight}.otf"
    font.save(out)
    print(out.name, out.stat().st_size, "bytes,", len(font.getBestCmap()), "characters")
