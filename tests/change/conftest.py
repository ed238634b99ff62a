import pytest

from .drawing import Screen


@pytest.fixture(params=[5, 10, 30])
def screen(request):
    """A blank screen with a line of text, four seconds old, at three frame rates."""
    screen = Screen(fps=request.param)
    screen.text(40, 40, "An ordinary window title")
    screen.text(40, 80, "open 12")
    screen.settle()
    return screen
