"""The loss at a place of a line or plane: at the weights it goes through, at an end, half way."""

from landscape_cli.arrays import Array
from landscape_cli.measures.grid import centre, checked_line, checked_plane, nearest


def loss_at(x: Array, loss: Array, place: float) -> float:
    """Return the loss at the grid point of a line that is nearest to a place.

    Args:
        x: increasing coordinates, of shape (n,).
        loss: of shape (n,).
        place: in units of x, between its ends.

    Raises:
        ValueError: the shapes or coordinates are none of a line, a loss is NaN or -inf, or the line does not
            reach the place.
    """
    x, loss = checked_line(x, loss)
    if not x[0] <= place <= x[-1]:
        raise ValueError(f"the line goes from {x[0]:g} to {x[-1]:g}, not through {place:g}")
    return float(loss[nearest(x, place)])


def loss_at_centre(x: Array, y: Array, loss: Array) -> float:
    """Return the loss at the grid point of a plane that is nearest to (0, 0).

    Args:
        x, y: equally spaced, increasing coordinates, of shapes (nx,) and (ny,); 0 is within both.
        loss: of shape (ny, nx).

    Raises:
        ValueError: the shapes or coordinates are none of such a plane, or a loss is NaN or -inf.
    """
    x, y, loss = checked_plane(x, y, loss)
    return float(loss[centre(x, y)])
