"""The demo's short films: what ffmpeg draws for each, how it sounds, what it is called and what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

WIDTH, HEIGHT, RATE = 960, 540, 24
# Coloured while it is small, which takes a ninth of the work.
SMALL, LARGE = "scale=320:180", f"scale={WIDTH}:{HEIGHT}"


@dataclass(frozen=True)
class DemoFilm:
    """One film. `prices` are points by the names of the price form; none at all means free."""

    title: str
    about: str
    length_s: int
    # A filter graph that begins with a source; ffmpeg-filters(1) has them.
    picture: str
    # Frequencies of a chord, in hertz, which swells and fades.
    chord: tuple[float, ...]
    prices: Mapping[str, int] = field(default_factory=dict)


# The first is the shortest: something to watch is there soon. The last is what the home page shows largest.
FILMS = (
    DemoFilm(
        "Slow Light",
        "Embers that never burn down. The one film here that everybody may watch.\n\n0:00 Dark\n0:04 Glow",
        10,
        f"perlin=s=64x36:r={RATE}:octaves=2:persistence=0.5:xscale=1.6:yscale=1.6:tscale=0.5:random_mode=seed:random_seed=5,"
        f"{SMALL}:flags=bicubic,format=yuv444p,eq=contrast=1.35:brightness=-0.08,pseudocolor=preset=magma,{LARGE}:flags=bicubic",
        (110.0, 164.81, 220.0, 277.18),
    ),
    DemoFilm(
        "The Loom",
        "A cloth that a rule of eight cases weaves: Wolfram's rule 30, one line after the other.",
        14,
        "cellauto=s=120x68:r=18:rule=30:scroll=1:random_seed=11:full=1,format=gray,lagfun=decay=0.8,"
        f"fps={RATE},{LARGE}:flags=neighbor,gblur=1,lutyuv=y='val*0.5',colorize=hue=32:saturation=0.55:lightness=0.3",
        (130.81, 196.0, 261.63),
        {"day": 15},
    ),
    DemoFilm(
        "Rings",
        "What a stone leaves on a pond, if nothing ever stopped it.",
        12,
        f"zoneplate=s=640x360:r={RATE}:ku=200:kv=200:kt=6:kx2=60:ky2=60:kt2=0:xo=-40:yo=20,"
        f"format=gray,gblur=0.8,colorize=hue=16:saturation=0.55:lightness=0.4,{LARGE}:flags=lanczos",
        (116.54, 174.61, 233.08, 349.23),
        {"lifetime": 50},
    ),
    DemoFilm(
        "The Coast of a Number",
        "A way down to a shore that goes on however close you come. It is the set that Benoit Mandelbrot drew.\n\n"
        "0:00 From afar\n0:06 Into the valley\n0:12 Islands",
        18,
        f"mandelbrot=s=320x180:r={RATE}:start_scale=0.9:end_scale=0.004:end_pts=420:start_x=-0.7436438870371587"
        ":start_y=0.13182590420531197:maxiter=200:bailout=64:inner=convergence:outer=normalized_iteration_count,"
        f"format=gray,gblur=0.7,format=yuv444p,pseudocolor=preset=magma,{LARGE}:flags=lanczos",
        (98.0, 146.83, 196.0, 246.94),
        {"day": 20, "month": 60, "lifetime": 150},
    ),
    DemoFilm(
        "A Colony at Night",
        "Conway's game of life, seen from the air. Lights go on, gather, wander and go out.",
        16,
        "life=s=160x90:r=12:ratio=0.12:random_seed=23:mold=8:life_color=0xf6d28b:death_color=0x24406b:mold_color=0x10131c,"
        f"fps={RATE},{LARGE}:flags=neighbor,gblur=1.2",
        (87.31, 130.81, 174.61, 220.0),
        {"month": 40, "lifetime": 90},
    ),
    DemoFilm(
        "Northern Sky",
        "Curtains of light over a place without a name.\n\n0:00 Dusk\n0:10 Curtains\n0:22 Before morning",
        30,
        f"perlin=s=64x36:r={RATE}:octaves=3:persistence=0.6:xscale=5:yscale=0.8:tscale=0.5:random_mode=seed:random_seed=9,"
        f"{SMALL}:flags=bicubic,format=yuv444p,eq=contrast=1.5:brightness=-0.1,pseudocolor=preset=viridis,{LARGE}:flags=bicubic",
        (82.41, 123.47, 164.81, 246.94),
        {"day": 30, "month": 80, "lifetime": 200},
    ),
)
