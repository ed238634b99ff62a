from __future__ import annotations

import pytest

from hud.items import Usage, View
from hud.realtime.bill import Count, Segment, cached, counted, usage
from hud.realtime.budget import Reservation
from hud.realtime.forecast import Forecast, Size
from hud.realtime.models import Price, cost
from hud.realtime.tokens import first_tokens, image_tokens, seen_size, text_tokens, view_tokens
from hud.rect import Rect

PRICE = Price(text=4.0, cached_text=0.5, image=5.0, cached_image=0.25, output=16.0)


def picture(key, tokens):
    return Segment("image", key, tokens)


def text(words, tokens):
    return Segment("text", words, tokens)


def test_each_kind_of_token_has_its_own_price():
    kinds = {"input_tokens": 1000, "text_tokens": 700, "image_tokens": 300}
    bought = Usage(**kinds, cached_tokens=250, cached_image_tokens=100, output_tokens=10)
    # 550 and 150 cached of text, 200 and 100 cached of pictures, 10 written.
    dollars = (550 * 4.0 + 150 * 0.5 + 200 * 5.0 + 100 * 0.25 + 10 * 16.0) / 1e6
    assert cost(bought, PRICE) == pytest.approx(dollars, rel=1e-9)


@pytest.mark.parametrize(
    ("size", "detail", "tokens", "seen"),
    [
        ((512, 512), "high", 65 + 129, (512, 512)),
        ((513, 512), "high", 65 + 2 * 129, (513, 512)),
        ((64, 16), "high", 65 + 129, (64, 16)),
        ((1024, 1024), "high", 65 + 129, (512, 512)),
        ((1920, 1080), "high", 65 + 2 * 129, (910, 512)),
        ((4096, 512), "high", 65 + 4 * 129, (2048, 256)),
        ((4096, 3072), "high", 65 + 2 * 129, (683, 512)),
        ((1080, 1920), "high", 65 + 2 * 129, (512, 910)),
        ((1920, 1080), "auto", 65 + 2 * 129, (910, 512)),
        ((1920, 1080), "low", 65, (512, 288)),
        ((100, 50), "low", 65, (100, 50)),
        ((8000, 2), "high", 65 + 4 * 129, (2048, 1)),
        ((2, 8000), "low", 65, (1, 512)),
    ],
)
def test_a_picture_is_counted_in_tiles_after_it_was_scaled(size, detail, tokens, seen):
    assert image_tokens(*size, detail) == tokens
    assert seen_size(*size, detail) == seen


def test_high_detail_is_what_is_meant_where_nothing_is_said():
    assert image_tokens(1920, 1080) == image_tokens(1920, 1080, "high")
    assert seen_size(1920, 1080) == (910, 512)


def test_a_view_is_counted_at_its_own_detail():
    screen = (Rect(0, 0, 1920, 1080),)
    assert view_tokens(View(screen, (1920, 1080), "low")) == 65
    assert view_tokens(View(screen, (1920, 1080))) == 65 + 2 * 129


def test_text_is_counted_in_bytes_and_rounded_up():
    assert [text_tokens(words) for words in ("", "a", "abcd", "abcde", "äöü", "\ud800")] == [
        0, 1, 1, 2, 2, 1,
    ]  # fmt: skip
    assert first_tokens("abcdefghij", 2) == "abcdefgh"
    assert first_tokens("abcäöü", 1) == "abc", "half a character is none"
    assert first_tokens("a\ud800b", 9) == "a?b"


def test_a_request_is_counted_by_kind():
    count = counted([text("a", 3), picture(1, 40), text("b", 5), picture(2, 60)])
    assert count == Count(text=8, image=100)
    assert count.total == 108
    assert count.wire() == {"text_tokens": 8, "audio_tokens": 0, "image_tokens": 100}


def test_the_cache_begins_at_its_least_and_goes_in_steps():
    for tokens, found in ((1023, 0), (1024, 1024), (1151, 1024), (1152, 1152)):
        request = [text("instructions", tokens)]
        assert cached(request, [request]) == Count(text=found)
    assert cached([text("instructions", 5000)], []) == Count()


def test_the_longest_common_prefix_counts_whatever_its_order():
    request = [text("a", 1000), picture(1, 300), text("b", 500)]
    shorter = [text("a", 1000), picture(2, 300)]
    longer = [text("a", 1000), picture(1, 300), text("c", 500)]
    for earlier in ([shorter, longer], [longer, shorter]):
        # 1,300 tokens are common, 1,280 in whole steps; the text stands first.
        assert cached(request, earlier) == Count(text=1000, image=280)


def test_what_follows_a_difference_is_not_cached():
    same = text("the same", 4000)
    assert cached([picture(1, 10), same], [[picture(2, 10), same]]) == Count()
    assert cached([text("x", 10), same], [[picture(2, 10), same]]) == Count()
    assert cached([picture(2, 10), same], [[text("x", 10), same]]) == Count()


@pytest.mark.parametrize("common", [4092, 4093, *range(4600, 4613)])
def test_a_text_is_cached_as_far_as_it_is_the_same(common):
    one, other = (Segment.of_text("x" * common + end * 3000) for end in "ab")
    tokens = -(-common // 4)
    assert cached([one], [[other]]) == Count(text=tokens - tokens % 128 if tokens >= 1024 else 0)


def test_a_text_that_goes_on_is_cached_as_far_as_it_went():
    one, other = Segment.of_text("x" * 8192), Segment.of_text("x" * 4096)
    assert cached([one], [[other]]) == cached([other], [[one]]) == Count(text=1024)


def test_the_usage_of_a_response_adds_up():
    assert usage(Count(700, 300), Count(512, 128), 9) == {
        "total_tokens": 1009,
        "input_tokens": 1000,
        "output_tokens": 9,
        "input_token_details": {
            "text_tokens": 700,
            "audio_tokens": 0,
            "image_tokens": 300,
            "cached_tokens": 640,
            "cached_tokens_details": {"text_tokens": 512, "audio_tokens": 0, "image_tokens": 128},
        },
        "output_token_details": {"text_tokens": 9, "audio_tokens": 0},
    }


SIZE = Size(text_tokens=1000, image_tokens=200)


def billed(text_tokens, image_tokens):
    return Usage(text_tokens + image_tokens, text_tokens, image_tokens, 0, 0, output_tokens=1)


def test_a_turn_reserves_the_most_that_it_may_cost():
    forecast = Forecast(PRICE, max_output_tokens=300)
    dollars = (1000 * 4.0 + 200 * 5.0 + 300 * 16.0) / 1e6
    assert forecast.reservation(SIZE) == Reservation(pytest.approx(dollars, rel=1e-9), 1500.0)
    forecast.learn(SIZE, billed(2000, 600))
    dollars = (2000 * 4.0 + 600 * 5.0 + 300 * 16.0) / 1e6
    assert forecast.reservation(SIZE) == Reservation(pytest.approx(dollars, rel=1e-9), 2900.0)


def test_a_dearer_bill_counts_at_once_and_a_cheaper_one_by_and_by():
    forecast = Forecast(PRICE, 300)
    forecast.learn(SIZE, billed(1500, 200))
    assert (forecast.text, forecast.image) == (1.5, 1.0)
    forecast.learn(SIZE, billed(1000, 100))
    assert forecast.text == pytest.approx(1.5 - 0.3 * 0.5)
    assert forecast.image == pytest.approx(1.0 - 0.3 * 0.5)


def test_one_odd_bill_moves_the_forecast_only_so_far():
    forecast = Forecast(PRICE, 300)
    forecast.learn(SIZE, billed(90_000, 90_000))
    assert (forecast.text, forecast.image) == (8.0, 8.0)
    for _ in range(99):
        forecast.learn(SIZE, billed(1, 1))
    assert (forecast.text, forecast.image) == (pytest.approx(0.5), pytest.approx(0.5))


@pytest.mark.parametrize(
    ("size", "bill"),
    [(SIZE, billed(0, 0)), (Size(0, 0), billed(50, 50))],
    ids=["nothing billed", "nothing counted"],
)
def test_where_one_side_is_missing_nothing_is_learnt(size, bill):
    forecast = Forecast(PRICE, 300)
    forecast.text = forecast.image = 2.0
    forecast.learn(size, bill)
    assert (forecast.text, forecast.image) == (2.0, 2.0)
