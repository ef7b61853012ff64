"""What makes a command line good, point by point: each has tests named after its number, `test_c11_…`."""

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
}


@pytest.mark.parametrize("number", POINTS)
def test_a_point_is_tested(number: str) -> None:
    assert any(name.startswith(f"{number}_") for name in names_of_tests()), POINTS[number]


def test_a_test_names_a_point_that_exists() -> None:
    assert {name[:3] for name in names_of_tests() if re.match(r"c\d\d_", name)} <= POINTS.keys()
