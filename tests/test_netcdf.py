"""Areas through time are a netCDF file that follows the CF conventions and comes back as it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sample_inventory import empty_inventory, make_inventory

import glacial_lakes as gl
from glacial_lakes.errors import OutputError
from glacial_lakes.inventory.area_series import series_in
from glacial_lakes.schema import Status

xr = pytest.importorskip("xarray")

NO_CHECKER = "needs compliance-checker: pip install compliance-checker"
TESTED = "cf:1.8"


@pytest.fixture(scope="module")
def inventory() -> gl.Inventory:
    return make_inventory()


@pytest.fixture(scope="module")
def written(inventory: gl.Inventory, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return inventory.to_netcdf(tmp_path_factory.mktemp("netcdf") / "areas.nc")


def test_areas_errors_and_reasons_come_back_by_lake_and_time(
    inventory: gl.Inventory, written: Path
) -> None:
    with xr.open_dataset(written, engine="scipy") as file:
        lakes = file["lake_id"].to_numpy().astype("U").tolist()
        assert lakes == sorted(inventory.lakes["lake_id"])
        ends = np.cumsum(file["row_size"].to_numpy())
        assert ends[-1] == len(inventory.observations)
        statuses = file["area_status"].attrs["flag_meanings"].split()
        assert statuses == list(Status)
        for lake, end, size in zip(lakes, ends, file["row_size"].to_numpy(), strict=True):
            here = file.isel(observation=slice(end - size, end))
            wanted = inventory.observations_of(lake)
            np.testing.assert_array_equal(here["area_m2"], wanted["area_m2"].astype(float))
            np.testing.assert_array_equal(
                here["area_sigma_m2"], wanted["area_sigma_m2"].astype(float)
            )
            told = pd.DatetimeIndex(wanted["acquired"]).tz_localize(None)
            assert (
                np.abs(here["time"].to_numpy() - told.to_numpy()) < np.timedelta64(1, "ms")
            ).all()
            assert [statuses[code] for code in here["area_status"].to_numpy()] == list(
                wanted["status"]
            )
            assert here["scene_id"].to_numpy().astype("U").tolist() == list(wanted["scene_id"])
        assert np.isnan(file["area_m2"]).any()  # what was not seen whole is missing, never 0


def test_one_lake_is_a_file_of_one_series(inventory: gl.Inventory, tmp_path: Path) -> None:
    lake = inventory.lakes["lake_id"].iloc[0]
    path = series_in(inventory, lake).to_netcdf(tmp_path / "lake.nc")
    with xr.open_dataset(path, engine="scipy") as file:
        assert file["lake_id"].to_numpy().astype("U").tolist() == [lake]
        assert file.sizes["observation"] == len(inventory.observations_of(lake))
        assert float(file["lat"][0]) == pytest.approx(inventory.lakes["lat"].iloc[0], abs=0.01)


def test_equal_inventories_give_equal_bytes_whole_or_not_at_all(
    inventory: gl.Inventory, written: Path, tmp_path: Path
) -> None:
    again = inventory.to_netcdf(tmp_path / "again.nc")
    assert again.read_bytes() == written.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["again.nc"]
    with pytest.raises(OutputError):
        inventory.to_netcdf(tmp_path / "again.nc" / "deeper.nc")


def test_an_inventory_without_lakes_is_a_file_too(tmp_path: Path) -> None:
    path = empty_inventory().to_netcdf(tmp_path / "empty.nc")
    with xr.open_dataset(path, engine="scipy") as file:
        assert file.sizes["lake"] == 0


def test_the_checker_of_the_conventions_has_nothing_to_say(written: Path, tmp_path: Path) -> None:
    pytest.importorskip("compliance_checker", reason=NO_CHECKER)
    from compliance_checker.runner import CheckSuite, ComplianceChecker

    CheckSuite.load_all_available_checkers()
    passed, errors = ComplianceChecker.run_checker(
        str(written), [TESTED], 0, "normal", output_filename=str(tmp_path / "said.txt")
    )
    said = (tmp_path / "said.txt").read_text("utf-8")
    assert passed, said
    assert not errors
    assert "All tests passed!" in said
