"""Every page in a real Chromium: contrast, names and focus for everyone, phone, tablet, paper; plots that lead to frames."""

from __future__ import annotations

import pytest

from pipeline.screening.people import accounts, guests, sessions
from pipeline.screening.people.roles import Person, Role
from pipeline.screening.records import ChangeRequest, Note, User
from tests.pipeline.screening import ministudio
from tests.pipeline.screening.browsing import browser, serving, until
from tests.pipeline.screening.served import served

__all__ = ["browser"]
SHOT = "bp_010_0010"
AA, AA_LARGE = 4.5, 3.0  # WCAG 2.2, 1.4.3

# Each text with its contrast against what lies behind it; over pictures, the worst: white.
CONTRASTS = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const read = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3]));
  const behind = (element) => {
    if (!element) return [255, 255, 255];
    if (element.id === "stage") return [255, 255, 255];
    const own = read(getComputedStyle(element).backgroundColor);
    return own[3] > 0.99 ? own.slice(0, 3) : over(own, behind(element.parentElement));
  };
  const light = (c) => c.map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const found = [];
  const judge = (element, style, text) => {
    const under = behind(element);
    const [a, b] = [light(over(read(style.color), under)), light(under)].sort((x, y) => y - x);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    found.push({ text: text.slice(0, 40), ratio: (a + 0.05) / (b + 0.05), large, size });
  };
  for (const element of document.querySelectorAll("body *")) {
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) || element.matches("script, option, :disabled, .unseen")) continue;
    const text = [...element.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data.trim()).join(" ").trim();
    if (element instanceof SVGElement) {
      if (element.tagName === "text") judge(element, { color: getComputedStyle(element).fill, fontSize: "11px", fontWeight: "400" }, text);
    } else if (text) judge(element, getComputedStyle(element), text);
    if (element.placeholder) judge(element, getComputedStyle(element, "::placeholder"), element.placeholder);
  }
  return found;
}"""
NAMELESS = """() => [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, [role=slider], img")]
  .filter((e) => e.checkVisibility() && !e.closest("[aria-hidden=true]") && !(e instanceof SVGElement && e.tagName === "a"))
  .filter((e) => !(e.getAttribute("aria-label") || e.labels?.length && e.labels[0].textContent.trim() || e.textContent.trim() || e.tagName === "IMG" && e.hasAttribute("alt") || e.querySelector?.("img[alt]:not([alt=''])")))
  .map((e) => e.outerHTML.slice(0, 120))"""
REACHABLE = """() => [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, [tabindex='0']")]
  .filter((e) => e.checkVisibility({ visibilityProperty: true }) && !e.disabled && e.getAttribute("tabindex") !== "-1")
  .map((e, i) => { e.dataset.stop = e.dataset.stop ?? String(i); return e.dataset.stop; })"""
FOCUSED = """() => {
  const e = document.activeElement, style = getComputedStyle(e);
  return [e === document.body ? "" : e.dataset.stop ?? "-", style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2, e.outerHTML.slice(0, 90)];
}"""


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    """Two shots with versions, one without; notes, a change request, a guest's and an invited person's link."""
    root = tmp_path_factory.mktemp("show") / "mini"
    show = ministudio.make_show(root, (SHOT, "bp_010_0020"), versions=2)
    (root / "bp_020_0010").mkdir()
    (root / "bp_020_0010" / "shot.toml").write_text('[shot]\nname = "bp_020_0010"\n[plate]\npath = "plate.mov"\n')
    with served(show) as running, serving(running) as home:

        def fill(session):
            by = running.ids[Role.SUPERVISOR]
            session.add(Note(shot=SHOT, version=2, frame=1004, text="dust on the lens", author_id=by))
            session.add(
                Note(shot=SHOT, version=2, frame=1006, text="done", author_id=by, resolved_at=ministudio_time())
            )
            session.add(ChangeRequest(shot=SHOT, lever="crowd.seed", value=7, was=1, text="another crowd", by_id=by))
            admin = Person(running.ids[Role.ADMIN], "admin", Role.ADMIN, "", "")
            playlist = guests.make_playlist(session, admin, "dailies", [(SHOT, 1)])
            _, guest = guests.make_link(session, admin, playlist, "the client", 7, True)
            _, join = accounts.invite(session, "admin", "new artist", Role.ARTIST)
            return sessions.begin(session, session.get(User, running.ids[Role.ADMIN])), guest, join

        yield home, *running.services.database.write(fill)


def ministudio_time():
    from pipeline.screening.records import now

    return now()


def pages(home, guest, join):
    """Every page there is: where it is, and whether somebody is signed in."""
    return {
        "login": (f"{home}/login", False),
        "join": (f"{home}/join/{join}", False),
        "guest": (f"{home}/guest/{guest}", False),
        "show": (home, True),
        "nothing like that": (f"{home}/?q=nowhere", True),
        "shot": (f"{home}/shots/{SHOT}", True),
        "nothing delivered": (f"{home}/shots/bp_020_0010", True),
        "people": (f"{home}/people", True),
        "account": (f"{home}/account", True),
        "player": (f"{home}/shots/{SHOT}/play?version=2&frame=1004", True),
        "error": (f"{home}/shots/none", True),
    }


@pytest.fixture
def opened(browser, studio):
    """`opened(name, width)`: that page in a window of that width."""
    home, token, guest, join = studio
    contexts = {signed: browser.new_context(viewport={"width": 1280, "height": 800}) for signed in (True, False)}
    contexts[True].add_cookies([{"name": "battleplate", "value": token, "url": home}])
    tabs = {signed: context.new_page() for signed, context in contexts.items()}

    def go(name, width=1280):
        address, signed = pages(home, guest, join)[name]
        page = tabs[signed]
        page.set_viewport_size({"width": width, "height": 844 if width < 800 else 900})
        page.goto(address)
        until(page, "document.readyState === 'complete' && document.querySelector('h1')")
        if name == "player":
            until(
                page,
                "document.querySelector('canvas.picture').dataset.frame === '1004' && document.querySelectorAll('#notes li').length === 2",
            )
        return page

    yield go
    for context in contexts.values():
        context.close()


PAGES = list(pages("", "", ""))


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_legible_named_and_reached_by_keyboard(opened, name):
    page = opened(name)
    faint = [f for f in page.evaluate(CONTRASTS) if f["ratio"] < (AA_LARGE if f["large"] else AA)]
    assert not faint
    assert page.evaluate(NAMELESS) == []
    wanted, seen = set(page.evaluate(REACHABLE)), set()
    for _ in range(len(wanted) + 12):
        page.keyboard.press("Tab")
        stop, visible, what = page.evaluate(FOCUSED)
        if stop:
            assert visible, f"no focus is seen on {what}"
            seen.add(stop)
    assert wanted - seen == set()


@pytest.mark.parametrize("width", [820, 390])
def test_a_narrow_page_fits_and_is_legible(opened, width):
    for name in PAGES:
        page = opened(name, width)
        wide = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{name} is {wide} px too wide"
        small = [
            f for f in page.evaluate(CONTRASTS) if f["size"] < 10.5 or f["ratio"] < (AA_LARGE if f["large"] else AA)
        ]
        assert not small, name


def test_paper_is_white_and_has_no_buttons(opened):
    for name in ("shot", "show"):
        page = opened(name)
        page.emulate_media(media="print")
        assert page.evaluate("() => getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
        assert [f for f in page.evaluate(CONTRASTS) if f["ratio"] < AA and not f["large"]] == []
        assert (
            page.evaluate("() => [...document.querySelectorAll('button')].filter((b) => b.checkVisibility()).length")
            == 0
        )
        page.emulate_media(media="screen")


def test_nothing_moves_for_whoever_asks_for_that(opened):
    page = opened("player")
    page.emulate_media(reduced_motion="reduce")
    page.keyboard.press("f")
    until(page, "document.fullscreenElement")
    moving = """() => [...document.querySelectorAll("*")].filter((e) => {
      const style = getComputedStyle(e);
      return style.animationName !== "none" || style.transitionDuration.split(",").some((t) => parseFloat(t) > 0) && style.transitionProperty !== "none";
    }).length"""
    assert page.evaluate(moving) == 0


def test_a_plot_tells_a_frame_in_all_and_opens_it(opened):
    page = opened("shot")
    plots = page.locator(".figures svg")
    plots.nth(1).scroll_into_view_if_needed()
    box = plots.nth(1).bounding_box()
    at = lambda frame: box["x"] + box["width"] * (36 + 208 * (frame - 1001) / 7) / 250  # noqa: E731
    page.mouse.move(at(1005), box["y"] + box["height"] / 2)
    until(
        page, "[...document.querySelectorAll('.figures output')].every((said) => said.textContent.startsWith('1005: '))"
    )
    assert page.text_content(".figures figure:first-child output") == "1005: error 1.9"
    assert page.locator(".figures figure:first-child svg .sign").count() == 1
    assert page.locator(".figures figure:first-child svg .limit").count() == 1
    page.focus(".figures figure:nth-child(2) svg")
    for key in ("Home", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    until(page, "document.querySelector('.figures output').textContent.startsWith('1003: ')")
    page.keyboard.press("Enter")
    until(page, "document.querySelector('canvas.picture')?.dataset.frame === '1003'")
    page = opened("shot")
    plots.nth(1).scroll_into_view_if_needed()
    box = plots.nth(1).bounding_box()
    page.mouse.click(at(1006), box["y"] + box["height"] / 2)
    until(page, "document.querySelector('canvas.picture')?.dataset.frame === '1006'")


def test_what_is_sought_and_not_there_is_said(opened):
    page = opened("show")
    page.fill("input[name=q]", "nowhere")
    until(
        page,
        "document.querySelector('#none').checkVisibility() && document.querySelector('#count').textContent === '0 of 3'",
    )
    page.fill("input[name=q]", "0020")
    until(page, "!document.querySelector('#none').checkVisibility()")
    assert "nothing delivered" in page.text_content("main")
