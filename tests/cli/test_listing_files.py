"""Files of listings as people, spreadsheets and scripts write them: what is read, and on which line."""

import io
import json
from typing import Any

import pytest

from cli.listing_files import LONGEST, Format, Row, Unreadable, Writer, Wrong, as_item, read

GOOD = {"externalId": "a", "title": "Front row", "price": 4500}
HEADER = "externalId,title,price,venue\n"


def rows(text: str) -> list[Row]:
    """All of them."""
    return list(read(io.StringIO(text, newline="")))


def lines(text: str) -> list[tuple[int, str | None]]:
    """The line of each row and what is wrong with it as a whole."""
    return [(row.line, row.fault) for row in rows(text)]


def problems(**values: Any) -> list[str]:
    """What is said of a row with these values."""
    with pytest.raises(Wrong) as caught:
        as_item({**GOOD, **values})
    return [f"{name}: {message}" for name, message in caught.value.problems]


class TestRead:
    """Lines count from 1, whatever the format."""

    def test_csv_may_have_blank_lines_quotes_and_cells_of_several_lines(self) -> None:
        text = f'\n{HEADER}a,"Row ""A"", left",45.00,\n\nb,"two\nlines",1,Hall\nc,Last,2,\n'
        assert [row.line for row in rows(text)] == [3, 5, 7]
        assert rows(text)[0].values == {"externalId": "a", "title": 'Row "A", left', "price": "45.00"}

    @pytest.mark.parametrize(("delimiter", "end"), [(";", "\n"), ("\t", "\r\n"), (",", "\r\n")])
    def test_csv_comes_with_what_its_program_puts_between_cells(self, delimiter: str, end: str) -> None:
        text = end.join(
            delimiter.join(cells) for cells in (["externalId", "title", "price"], ["a", "b", "1"])
        )
        assert [row.values for row in rows(text)] == [{"externalId": "a", "title": "b", "price": "1"}]

    @pytest.mark.parametrize("indent", [None, 2])
    def test_an_array_may_be_on_one_line_or_on_many(self, indent: int | None) -> None:
        read_ = rows(json.dumps([GOOD, {**GOOD, "seat": "B"}], indent=indent))
        assert [row.values.get("seat") for row in read_] == [None, "B"]
        assert [row.line for row in read_] == ([1, 1] if indent is None else [2, 7])

    def test_an_array_of_any_length_is_read_in_pieces(self) -> None:
        text = json.dumps([{**GOOD, "title": "é" * 150, "seat": str(n)} for n in range(3000)])
        assert len(text) > 20 * LONGEST
        assert [row.values["seat"] for row in rows(text)] == [str(n) for n in range(3000)]

    def test_a_line_that_cannot_be_read_is_told_and_the_next_is_read(self) -> None:
        text = f"{json.dumps(GOOD)}\n{{broken\n\n[1]\n{json.dumps(GOOD)}\n"
        assert lines(text) == [
            (1, None),
            (2, "this is not JSON"),
            (4, "this is not a JSON object"),
            (5, None),
        ]

    def test_a_row_of_csv_that_cannot_be_read_is_told_and_the_next_is_read(self) -> None:
        text = f'{HEADER}a,b,1\na,b,1,x,y\n"a"b,c,1,x\na,b,1,x\n'
        found = lines(text)
        assert [line for line, _ in found] == [2, 3, 4, 5]
        assert [fault is None for _, fault in found] == [False, False, False, True]
        assert found[1][1] == "it has 5 cells, the header has 4"

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("externalId,title,price,colour\n", "line 1: no such column: colour"),
            ("\n\nexternalId,title\n", "line 3: a column is missing: price"),
            ("externalId,title,price,title\n", "line 1: a column is there twice"),
            ("hello\n", "line 1: no such column: hello"),
            ('[{"a": 1}\n{"a": 2}]', "line 2: a comma is missing"),
            ('[{"a": 1},\n{"a": }]', "line 2: from here on this is not JSON"),
            ('[{"a": 1},\n', "line 2: the array has no end"),
            ("x" * (LONGEST + 1), "no such column"),
            (json.dumps(GOOD) + "\n" + "x" * (LONGEST + 1), "line 2: longer than"),
            ("[" + '"' + "x" * 3 * LONGEST, "line 1: from here on this is not JSON"),
        ],
    )
    def test_what_is_no_list_of_listings_is_refused_with_a_line(self, text: str, told: str) -> None:
        with pytest.raises(Unreadable, match="line") as caught:
            rows(text)
        assert told in str(caught.value)

    @pytest.mark.parametrize("text", ["", "\n \n", "[]", " [ ]\n", HEADER])
    def test_nothing_is_nothing(self, text: str) -> None:
        assert rows(text) == []

    @pytest.mark.parametrize("text", ["[" * 50_000, '{"a":' * 10_000])
    def test_depth_is_no_way_to_break_it(self, text: str) -> None:
        try:
            assert all(row.fault for row in rows(text))
        except Unreadable as error:
            assert "JSON" in str(error)  # noqa: PT017 - either is an answer


class TestItem:
    """A row as a listing."""

    @pytest.mark.parametrize(
        ("price", "currency", "units"),
        [("45", "usd", 4500), ("45.5", "EUR", 4550), ("4500", "jpy", 4500), (4500, "usd", 4500)],
    )
    def test_text_is_an_amount_and_a_number_is_minor_units(
        self, price: object, currency: str, units: int
    ) -> None:
        item = as_item({**GOOD, "price": price, "currency": currency})
        assert (item.price, item.currency) == (units, currency.lower())

    def test_what_is_wrong_is_told_by_field(self) -> None:
        assert problems(title="", seat="x" * 61) == [
            "title: must not be empty",
            "seat: at most 60 characters",
        ]
        assert problems(price="45,00")[0].startswith("price: write it as 45.00")
        assert problems(price="4.505")[0].startswith("price: USD has 2 decimals")
        assert problems(price=45.5) == ["price: must be a valid integer"]
        assert problems(colour="red") == ["colour: is no field of a listing"]
        assert problems(title="caf\udce9") == ["title: this is not UTF-8; save the file as UTF-8"]
        with pytest.raises(Wrong) as caught:
            as_item({"title": "Front row", "price": 1})
        assert caught.value.problems == (("externalId", "is missing"),)


class TestWrite:
    """What is written is read as the same."""

    @pytest.mark.parametrize("format_", ["csv", "json", "ndjson"])
    @pytest.mark.parametrize("count", [0, 1, 3])
    def test_there_and_back(self, format_: Format, count: int) -> None:
        values = {
            **GOOD,
            "title": 'A "B", c; \u202e🎟',
            "currency": "jpy",
            "venue": None,
            "startsAt": "2030-05-01T18:00:00.000001Z",
            "seat": "=1+1",
        }
        given = [{**values, "externalId": str(n)} for n in range(count)]
        writer = Writer(format_)
        text = writer.head() + "".join(writer.row(row) for row in given) + writer.foot()
        assert [as_item(row.values) for row in rows(text)] == [as_item(row) for row in given]
