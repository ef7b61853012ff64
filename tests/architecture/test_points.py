"""What makes the command line, the terminal app and the web good, point by point.

Each has tests named after its number, `test_c11_…`, or after several, `test_w05_w06_…`. A number is in the
tests or in LATER, never in neither or both: one that is shown in part only is in LATER, with what is missing.
"""

import re

import pytest

from tests.architecture.tree import names_of_tests

POINTS = {
    "c01": "help in a pipe is plain ASCII and as quick as --version",
    "c02": "stdout carries data only; talk, prompts and progress go to stderr",
    "c03": "every exit code has a test that produces it",
    "c04": "--json everywhere, by the published schemas; an empty list is a document too",
    "c05": "with --json every failure is one JSON line on stderr, a bad flag included",
    "c06": "tokens are in the keyring or a file of mode 0600, and shown nowhere",
    "c07": "nothing asks where nobody is there to answer",
    "c08": "interrupted anywhere and run again, nothing is done twice",
    "c09": "an import takes JSON, NDJSON and CSV of any length; errors name line and field",
    "c10": "a second import changes nothing; one done in part leaves a file that completes it",
    "c11": "a watched order ends with its outcome as the exit code, whatever restarts meanwhile",
    "c12": "Retry-After is obeyed; who gives up says when to try again",
    "c13": "signing in, out and status work without a browser",
    "c14": "a piped list is TSV and whole, one on a terminal fits 80 columns",
    "c15": "a dry run asks the server, changes nothing and shows the difference",
    "c16": "--jq, --fields and every form on every list",
    "c17": "tix api does whatever the commands do, page by page",
    "c18": "flag, environment, project, profile, default; explain says which it was",
    "c19": "no colours where they are not wanted, colours where they are forced",
    "c20": "Ctrl-C is 130, at once, and says what was done; a closed pipe is silent",
    "c21": "a typo of a command, flag, field or id suggests the right one, by a hint that can be run",
    "c22": "completion for four shells edits no file, answers at once and is silent without a network",
    "c23": "the request id of a failure leads to one line of the server's log",
    "c24": "every example of every --help works",
    "c25": "tix pay shows link and QR code and ends by itself",
    "t01": "kept tickets, or that there are none, at once and with the server down",
    "t02": "every action has a key, a name in the palette and a place to click",
    "t03": "a ticket is booked in six keys",
    "t04": "the help is made of the keys, is searched by typing and does what is chosen",
    "t05": "Esc is one level out and never quits; who leaves a hold behind is told what is left of it",
    "t06": "lists are gone through as in vi; a filter is instant, and Esc is back where one was",
    "t07": "a hold counts by the server's clock, in word, colour and bell",
    "t08": "a hold is extended, or it is said why not; one that ended can be held again",
    "t09": "a server that is away is seen at once: stale rows, no writes; and followed on without a gap",
    "t10": "a hold is shown before it is so and taken back when refused; a payment never is",
    "t11": "paying needs no browser here: link, QR code, copy; and the app sees that it is paid",
    "t12": "keys are heard while the server is slow; a view that is left stops its work",
    "t13": "usable from 60 × 20 to 200 × 60, and resized at any moment",
    "t14": "what is hard to take back asks first, names thing and money, and means no",
    "t15": "what cannot be done stays in sight and says why",
    "t16": "toasts go, errors stay, and all are kept in a log",
    "t17": "ids, addresses, rows and commands are copied, or shown where a terminal does not take them",
    "t18": "themes, high contrast and the terminal's own colours; readable, and told apart without any",
    "t19": "10,000 tickets scroll smoothly, and changes do not move the cursor's row",
    "t20": "keys are one's own by id; what clashes or is unknown is told before the app runs",
    "t21": "no key is the terminal's; Ctrl-Z suspends and goes on",
    "t22": "live money is unmistakable; read only changes nothing",
    "t23": "a crash gives the terminal back and names a log without secrets",
    "t24": "the next run begins with the view, filter and sort of the last",
    "t25": "where nothing can be drawn the same is told as commands",
    "w01": "from no account to a paid ticket without a script",
    "w02": "axe finds nothing on any page in any state, by day and by night, on desk and phone",
    "w03": "the keyboard suffices to buy; the focus is always seen",
    "w04": "the clock of a hold is the server's, whatever the reader's says",
    "w05": "a warning before a hold ends, more time once, and the focus stays where it is",
    "w06": "milestones are said once; seconds are not",
    "w07": "when a hold ends the page and what was typed stay, and nothing can be paid",
    "w08": "paid after the hold had ended: the ticket, or a word that nothing was charged",
    "w09": "pressed twice, sent again, from two tabs: one order and one charge",
    "w10": "the slower of two gets a page with other tickets; none is sold twice",
    "w11": "an error is in the title, beside its field, and in a summary that is focused and leads there",
    "w12": "one total everywhere: list, ticket, payment, Stripe, receipt",
    "w13": "no unsafe policy, no complaint of a browser; Stripe on the page of payment only",
    "w14": "every POST has its token; the cookie is guarded, changes at sign-in and ends at sign-out",
    "w15": "every POST leads on by 303; pages of failures help and show the request id",
    "w16": "pages are small, stand still and are painted at once; assets are kept for ever",
    "w17": "nothing is wider than 320 px; price and button or clock are in a phone's first screen",
    "w18": "a change is seen within a second, whatever restarts meanwhile",
    "w19": "live changes can be paused and move nothing",
    "w20": "signing in: pasted or by a manager, refused in neutral words, with the wait when it is too often",
    "w21": "every end of a payment has its own plain words and one next step",
    "w22": "QR code, calendar, receipt and refund; and it can be printed",
    "w23": "forced colours, less motion and wider text keep everything usable",
    "w24": "search, filter, order and page are in the address; who finds nothing is told what to try",
    "w25": "data for search engines, chats and calendars; pages change softly and are dark without a flash",
}

LATER: dict[str, str] = {}


def numbers_of(name: str) -> list[str]:
    """Those that a test's name begins with."""
    found = re.match(r"([ctw]\d\d_)+", name)
    return found[0].rstrip("_").split("_") if found else []


TESTED = {number for name in names_of_tests() for number in numbers_of(name)}


@pytest.mark.parametrize("number", POINTS)
def test_a_point_is_tested_or_named_for_later(number: str) -> None:
    if number in LATER:
        assert number not in TESTED, f"{number} is tested now: take it out of LATER"
    else:
        assert number in TESTED, f"no test is named test_{number}_…: {POINTS[number]}"


def test_the_numbers_are_complete() -> None:
    assert list(POINTS) == [f"{part}{n:02}" for part in "ctw" for n in range(1, 26)]
    assert LATER.keys() <= POINTS.keys()


def test_a_test_names_a_point_that_exists() -> None:
    assert POINTS.keys() >= TESTED
