"""Names and titles that do not break where one would like it, on screens that are narrow or low."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page

from mutoscope.platform.billing.bundles.making import MakeBundle, MakeBundleInputs
from mutoscope.platform.billing.coupons.service import MakeCoupon, MakeCouponInputs
from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.tips.service import GiveTip, GiveTipInputs
from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.models import Video
from mutoscope.platform.videos.watch.models import Seen
from tests.journeys.visitor import SCREENSHOTS, Visitor
from tests.platform.billing.shop import PRICES, Shop, give
from tests.platform.videos.watch.screenings import new_film

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("films_folder")]

Visit = Callable[..., Visitor]

CHANNEL = "W" * 25 + " Dokumentarfilmproduktionsgesellschaft"
WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesell"[:76]
SENTENCE = (
    "The quiet astonishing journey of a lighthouse keeper who counted every single wave from 1950 to 1999, told again"
)
NARROW, WIDE = {"width": 390, "height": 844}, {"width": 1280, "height": 800}
LOW = [(844, 390), (667, 375), (640, 400)]

# What is wider than the box that it lies in, and not cut off by it: the words that then lie over others.
# A film's own page is left out: on a phone its screen goes from edge to edge on purpose.
RUNS_OUT = """() => [...document.querySelectorAll("main *")].filter(box => {
  const style = getComputedStyle(box);
  if (style.display === "inline" || style.overflowX !== "visible" || !box.clientWidth || box.matches(".film") || box.closest("svg, .visually-hidden, .player, .table")) return false;
  return box.scrollWidth > box.clientWidth + 1;
}).map(box => `${box.tagName}.${box.className}: ${box.scrollWidth} px in ${box.clientWidth}`)"""
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def fits(page: Page, where: str) -> list[str]:
    over = page.evaluate(SIDEWAYS)
    wrong = [f"{where} scrolls sideways by {over} px"] if over > 0 else []
    return wrong + [f"{where}: {each}" for each in page.evaluate(RUNS_OUT)]


@pytest.fixture
def shop(shop: Shop) -> Shop:
    """A channel and two films with names that nobody thought of."""
    channel = shop.video.channel
    channel.title = CHANNEL
    channel.save()
    Video.objects.filter(pk=shop.video.pk).update(title=WORD)
    shop.video.refresh_from_db()
    other = new_film(channel, title=SENTENCE)
    Shop(shop.creator, shop.viewer, other).price(PRICES)
    give(shop.viewer, 1000)
    return shop


def test_no_name_breaks_a_page(visit: Visit, shop: Shop) -> None:
    films = [video.public_id for video in Video.objects.order_by("pk")]
    channel = shop.video.channel
    bundle = MakeBundle().call(MakeBundleInputs(channel, WORD, films, Term.LIFETIME, 100)).bundle
    MakeCoupon().call(MakeCouponInputs(channel, "W" * 24, percent=50))
    shop.unlock(Term.DAY)
    GiveTip().call(GiveTipInputs(shop.viewer.pk, shop.video.public_id, 5, "a", WORD, True))
    Seen.objects.create(person=shop.viewer, video=shop.video, position_ms=1000)
    film, other = films
    # Another file can be chosen for one that nobody saw.
    ready = new_film(channel, VideoState.READY, title=WORD)
    as_viewer = [
        "/", f"/watch/{film}", f"/watch/{other}", f"/unlock/{other}/", f"/tip/{film}/", f"/bundles/{bundle.public_id}/",
        channel.get_absolute_url(), "/library/", "/wallet/", "/history/",
    ]  # fmt: skip
    as_creator = [
        "/studio/", f"/studio/?film={ready.public_id}", f"/studio/?film={film}", f"/studio/films/{film}/", f"/studio/films/{film}/files/", f"/studio/films/{film}/price/",
        f"/studio/films/{film}/analytics/", "/studio/earnings/", "/studio/analytics/", "/studio/bundles/", "/studio/coupons/",
    ]  # fmt: skip
    wrong = []
    for person, places in ((shop.viewer, as_viewer), (shop.creator, as_creator)):
        visitor = visit()
        visitor.becomes(person)
        for place in places:
            page = visitor.goto(place)
            for size in (NARROW, WIDE):
                page.set_viewport_size(size)  # type: ignore[arg-type]
                wrong += fits(page, f"{place} at {size['width']} px")
    assert not wrong, "\n".join(wrong)


def button_and_stage(page: Page) -> tuple[dict[str, float], dict[str, float]]:
    boxes = [page.locator(part).bounding_box() for part in (".featured .button-primary", ".featured")]
    assert boxes[0] is not None
    assert boxes[1] is not None
    return tuple(dict(box) for box in boxes)  # type: ignore[return-value, arg-type]


@pytest.mark.parametrize("title", ["Silent", SENTENCE, WORD], ids=["short", "sentence", "word"])
@pytest.mark.parametrize("size", [*LOW, (390, 844), (320, 568), (1280, 800), (1920, 1080)], ids=str)
def test_the_featured_film_is_as_wide_as_the_page_and_keeps_its_button(
    visit: Visit, shop: Shop, title: str, size: tuple[int, int]
) -> None:
    Video.objects.update(title=title)
    width, height = size
    page = visit(viewport={"width": width, "height": height}).goto("/")
    button, stage = button_and_stage(page)
    main = page.locator("main").bounding_box()
    assert main is not None
    if width <= 860:
        assert stage["width"] == main["width"]
    assert stage["width"] >= 0.9 * min(width, main["width"])
    assert button["y"] + button["height"] <= stage["y"] + stage["height"]
    assert button["x"] + button["width"] <= stage["x"] + stage["width"]
    if size in LOW:
        # In sight without scrolling.
        assert button["y"] + button["height"] <= height
    assert fits(page, "home") == []
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"featured-{title[:6]}-{width}.png")


@pytest.mark.parametrize("title", ["Silent", SENTENCE], ids=["short", "sentence"])
@pytest.mark.parametrize("size", [(390, 844), (844, 390), (768, 1024), (1280, 800), (1920, 1080)], ids=str)
def test_the_featured_words_can_be_read_on_a_white_picture_and_hide_no_more_of_it(
    visit: Visit, shop: Shop, title: str, size: tuple[int, int]
) -> None:
    """4.5:1 for each letter, on the brightest picture that there is; above the words and beside them it stays as bright."""
    Video.objects.update(title=title)
    page = visit(viewport={"width": size[0], "height": size[1]}).goto("/")
    page.evaluate(WHITE_STAGE)
    lines: list[Any] = page.evaluate(LINES)
    assert {part for part, _, _ in lines} == {"H2", "P"}
    picture = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB")
    for part, letters, box in lines:
        brightest = max((each[1] for each in picture.crop(box).getcolors(1 << 24) or []), key=sum)  # type: ignore[arg-type]
        assert contrast(brightest, tuple(letters)) >= 4.5, f"{part} at {box} on {brightest}"
    stage: Any = page.locator(".featured").bounding_box()
    right, upper = int(stage["x"] + stage["width"]) - 20, int(stage["y"]) + 1
    lower = int(stage["y"] + stage["height"]) - 20
    assert is_bright(picture.getpixel((right, upper))), "the upper edge is darkened"
    assert size[0] <= 600 or is_bright(picture.getpixel((right, lower))), "what is beside the words is darkened"


def is_bright(pixel: Any) -> bool:
    """White, or where a shade ends softly nearly so."""
    return bool(min(pixel) > 230)


# A white picture below the words, and the words without their letters.
WHITE_STAGE = """() => {
  for (const part of document.querySelectorAll(".featured > :is(video, img), .featured-button")) part.remove();
  const stage = document.querySelector(".featured");
  stage.style.background = "white";
  stage.style.borderRadius = 0;
  for (const part of stage.querySelectorAll(".featured-words *")) part.style.visibility = "hidden";
}"""
# Each line of the featured words: which they are, their letters' colour in sRGB, and where they stand on the page.
LINES = """() => {
  const pen = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  return [...document.querySelectorAll("#featured-title, .featured-words p:not(.row)")].flatMap(part => {
    pen.fillStyle = getComputedStyle(part).color;
    pen.fillRect(0, 0, 1, 1);
    const letters = [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
    const words = document.createRange();
    words.selectNodeContents(part);
    const shown = part.getBoundingClientRect();
    return [...words.getClientRects()].filter(line => line.width && line.bottom <= shown.bottom + 4).map(line => [
      part.tagName, letters,
      [line.left, line.top, line.right, line.bottom].map((side, at) => Math.round(side + (at % 2 ? scrollY : scrollX))),
    ]);
  });
}"""


def contrast(behind: tuple[int, int, int], letters: tuple[int, int, int] = (243, 241, 237)) -> float:
    """By WCAG 2: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio"""

    def luminance(colour: tuple[int, int, int]) -> float:
        linear = [part / 255 / 12.92 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in colour]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    return (luminance(letters) + 0.05) / (luminance(behind) + 0.05)
