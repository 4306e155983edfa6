"""Command: ``python -m glacial_lakes.simulate FOLDER`` writes the sample data."""

from __future__ import annotations

from pathlib import Path

import click

from glacial_lakes.errors import GlacialLakesError
from glacial_lakes.simulate.sample import write_sample_data


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def main(folder: Path) -> None:
    """Write the simulated sample data into FOLDER."""
    try:
        series = write_sample_data(folder)
    except GlacialLakesError as error:
        raise click.ClickException(str(error)) from error
    for product in series.products:
        click.echo(product.name)


if __name__ == "__main__":
    main()
