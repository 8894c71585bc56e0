"""HEIC files, which Pillow does not write."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator

import pytest

from bot.images.decoder_process import can_read_heic
from tests.support.picture_files.model import BLUE, GREEN, UNREADABLE, PictureFile, Shown

needs_heic = pytest.mark.skipif(
    not can_read_heic(), reason="pi-heif is not installed: no wheel for this Python"
)

# 24x16 pixels, red on the left and blue on the right, with an orientation to be applied, a profile that
# exchanges red and green, and EXIF with a make and a place. Made with pillow-heif 1.8.1: pi-heif only reads.
HEIC = base64.b85decode(
    "0000SW^{RQXk}?*00000ZE0pPXk}?*ZE0a<000CGZDn*}000000000XXk=`10000000000aA{+700000000000000000000G-+&a"
    "V*mgE07O6l0ssL300004FaQAn00000002J#0ssI200eIU0RR9100000egFUfIB98aW&i*H00062000$fZf0cy000000RRAKc4ILB"
    "0000LX>Mj^0ssI300IC2MR;ju000004sdC7Z2$lO0003100T>DaB^?}00Sy%aAR)(004Dpc4I>U18@KU0FVFx0000U@BsY%`1k+-"
    "4+CHT0RR|40Sp2E{{wIU00RJ!0009300RIXx&lC90096gLID8-Z~y=U0FVFx0{{R603M(qfd!W8uA1iHA)vs3000bt00093gkk^z"
    "00u+>!E?ch00075V{dG7aB^>E0006^Y-4S61V8`)ZEkdOQb$4{SXo*i2kHO|02Tld00IC3VPkV}K~PXk00000000000000000000"
    "0000000000008#Z00961007f1Y-4S600000000000000000000000000000000000000000000000000000000000BWMy+>00039"
    "0000sV{meG0003%0000?cXV)c0004u0000KV`yPy0004?0000iXINQU0005Z0000KVpv&P0005t0000Ka#&ef0005>0000Ka#T`7"
    "0006A0000WXH-%{0006A0000WVpLK?0006A0000WV`y@10006g0000aZESU800000000010000CWo}hd0000Q0000S0CNCR07n2q"
    "03ZNj0CfOq0Bits04)G%0B!&PZESU800000000010000CWo}hd0000m0000S08RjJ03ZNk0B-<r0C@m%0BHbc0B8Vo04x9?0CfO!"
    "0A&Cm0A>Jk0A&DW0BitxSXo*i00000008#Z00961007f1b7nI#00000009g_000Hv|NrwP000M*008}v|Nr};|Ns4>000Br006*l"
    "SXo*i00000003{G0021k000A!SXo*i00000001PP000k!006ebSXo*i00000003f_006g#000=-aA9&`0000000RI300L%a008o*"
    "000eH000xv000VGV`y@10000000RI3005)c002~b002zQ005bq001Ut000kM0000KX>)L8000000000$0000$0000eV{Bn?0000O"
    "000010000G00001|NsBk00002|NsBc000020000GaA|mH000000|*ER00009X>xCL0{{R38EJ5BVE_OC000000RRC8fdT^sgoXeB"
    "02*m>Wo7^X0000001jhhb7KGk009620002RZDe6|0000xC;_ih8X-i0@|02jINaKO%2}l;C-1OR&0WF7yi9)uxg-DEvB72FF1~>D"
    "P?9i*K(65k1H7qS{cpek000I>cxh$;08LE*DgXcg2mk{C4*&uH000aC001%p5&#1L000311^@tvB>)5f00031002G!0000+a&>8R"
    "AW&#;Ze;)f0ssL30ssI20#g70000621poj50{{R3TmS$7000001^@s60RR913;+NC0RR91000000R"
)


def files() -> Iterator[PictureFile]:
    upright = Shown(GREEN, BLUE, size=(24, 16), is_upright=True)
    yield PictureFile("HEIC, with a profile and an orientation", HEIC, upright)
    yield PictureFile("HEIC, rubbish behind it", HEIC + random.Random(4).randbytes(9000), upright)
    yield PictureFile("HEIC, named mif1", HEIC.replace(b"ftypheic", b"ftypmif1", 1), upright)
    yield PictureFile("HEIC, cut in half", HEIC[: len(HEIC) // 2], UNREADABLE)
    yield PictureFile("HEIC, cut in its last bytes", HEIC[:-20], UNREADABLE)
