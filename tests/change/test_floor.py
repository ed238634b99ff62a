"""A trading floor: a table of cells that flicker, and what happens to it that matters."""

import random

import pytest

from .drawing import BLACK, GREY, RED, Screen

ROWS, PRICES, GREEN, DARK = 20, 5, (60, 120, 30), (60, 40, 40)


class Floor(Screen):
    """Rows of a name, prices that flash, a volume, and a state that stands still."""

    def __init__(self):
        super().__init__(1600, 900)
        self.fill(0, 0, 1600, 900, GREY)
        self.dice = random.Random(1)
        self.flashing = []
        for row in range(ROWS):
            self.text(10, self.line(row) + 17, f"NAME{row}")
            for column in range(PRICES):
                self.price(row, column, GREY)
            self.volume(row)
            self.text(740, self.line(row) + 17, "T", (150, 150, 150))

    @staticmethod
    def line(row):
        return 40 + 25 * row

    def price(self, row, column, ground):
        left = 110 + 100 * column
        self.fill(left, self.line(row), 88, 24, ground)
        self.text(left + 20, self.line(row) + 17, f"{self.dice.randrange(10000, 99999) / 100}")

    def volume(self, row):
        self.fill(620, self.line(row), 88, 24, GREY)
        self.text(640, self.line(row) + 17, f"{self.dice.randrange(100, 999)}k")

    def trade(self, seconds):
        """Cells flash and go back to their ground, and volumes grow, for so long."""
        for _ in range(round(seconds * self.fps)):
            for cell in self.flashing:
                self.price(*cell, GREY)
            cells = [(row, column) for row in range(ROWS) for column in range(PRICES)]
            top, column = self.dice.randrange(ROWS - 4), self.dice.randrange(PRICES)
            together = [(row, column) for row in range(top, top + 2)]
            self.flashing = self.dice.sample(cells, 3) + together
            for cell in self.flashing:
                self.price(*cell, self.dice.choice([RED, GREEN]))
            if self.dice.random() < 0.4:
                self.volume(self.dice.randrange(ROWS))
            self.look()


@pytest.fixture
def floor():
    floor = Floor()
    floor.trade(15)
    floor.passed.clear()
    return floor


def test_cells_that_flicker_are_left_alone(floor):
    floor.trade(10)
    assert len(floor.passed) <= 2


def test_a_badge_where_nothing_flickered_is_shown_at_once(floor):
    floor.fill(730, floor.line(12), 50, 24, RED)
    floor.text(734, floor.line(12) + 17, "HALT", BLACK)
    floor.trade(0.6)
    assert floor.shows(750, floor.line(12) + 12)


def test_a_digit_among_what_flickers_goes_along_with_what_is_shown():
    floor = Floor()
    for row in range(ROWS):
        floor.text(720, floor.line(row) + 17, "5")
    floor.trade(15)
    floor.passed.clear()
    floor.fill(718, floor.line(12), 14, 24, GREY)
    floor.text(720, floor.line(12) + 17, "6")
    floor.trade(3)
    assert not floor.shows(725, floor.line(12) + 12)
    floor.fill(200, 700, 300, 100, DARK)
    floor.text(220, 750, "Order 4711 was rejected", GREY)
    floor.trade(0.6)
    assert floor.shows(300, 745)
    assert floor.shows(725, floor.line(12) + 12)


def test_a_dialogue_over_it_is_shown(floor):
    floor.fill(120, 152, 400, 77, DARK)
    floor.text(140, 180, "Exchange halts all trading", GREY)
    floor.text(140, 206, "until further notice", GREY)
    floor.flashing = []
    floor.seconds(2)
    assert floor.shows(200, 175)


def test_an_alert_no_higher_than_two_rows_of_it_is_shown(floor):
    look = floor.look

    def with_alert():
        floor.fill(110, 4, 480, 48, DARK)
        floor.text(140, 31, "EURHUF moved 0.8 % in 5 minutes", GREY)
        return look()

    floor.look = with_alert
    floor.trade(2)
    assert floor.shows(200, 25)


def test_neighbours_of_a_column_that_change_at_once_are_two_of_its_values():
    column, dice = Screen(640, 480), random.Random(2)

    def change(*rows):
        for row in rows:
            column.fill(96, 30 + 18 * row, 80, 18)
            column.text(100, 44 + 18 * row, str(dice.randrange(1000, 9999)), size=0.35)

    change(*range(20))
    for _ in range(50):
        change(dice.randrange(20))
        column.look(3)
    column.passed.clear()
    for _ in range(10):
        row = dice.randrange(19)
        change(row, row + 1)
        column.look(5)
    assert not column.passed
