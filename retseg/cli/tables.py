"""Tables as the commands print them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rich.table import Table


def new_table(*columns: str, numbers: tuple[str, ...] = ()) -> Table:
    """An empty table; the columns named in `numbers` are aligned to the right."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE, pad_edge=False)
    for column in columns:
        side: Literal["left", "right"] = "right" if column in numbers else "left"
        table.add_column(column, overflow="fold", justify=side)
    return table


def print_table(table: Table) -> None:
    """Prints it as wide as the terminal, or 200 characters wide where there is none."""
    from rich.console import Console

    console = Console()
    # In a pipe there is no width to fit into; a wrapped table would be harder to read for people and programs alike.
    if not console.is_terminal:
        console = Console(width=200)
    console.print(table)
