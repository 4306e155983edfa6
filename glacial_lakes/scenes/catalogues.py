"""Catalogues of STAC: files that lie here, files on a server, and servers that are asked.

A static catalogue is JSON whose links name further JSON: they are followed within bounds, and here
never out of the folder of the catalogue. A server is asked by ``pystac-client``.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from glacial_lakes.errors import (
    N_,
    ConfigError,
    DamagedFileError,
    GlacialLakesError,
    MissingFileError,
    ResourceError,
    UnsafeInputError,
    remedy_for,
)
from glacial_lakes.io.extras import optional
from glacial_lakes.io.parsing import json_of
from glacial_lakes.scenes.remote import (
    Access,
    Limit,
    patiently,
    require_time,
    session_for,
    shown_address,
)
from glacial_lakes.scenes.source import MAX_METADATA_BYTES, require_plain
from glacial_lakes.settings import StacSource

MOST_ITEMS, MOST_DOCUMENTS, DEEPEST = 20_000, 50_000, 8
"""Of one source: items, files that are looked into, and links that lead to one."""

Bounds = tuple[float, float, float, float]


@dataclass(frozen=True)
class Found:
    """An item, and where it was found."""

    item: Mapping[str, Any]
    where: str
    """Its file or address."""
    root: str | None
    """The folder of its catalogue; None on a server."""


def is_address(text: str) -> bool:
    """Tell whether a source lies on a server."""
    return "://" in text


def find_items(
    source: StacSource, folder: Path, access: Access, bounds: Bounds | None = None
) -> list[Found]:
    """Return the items of a source that lie in its time, collections, clouds and in an area.

    Parameters
    ----------
    source : StacSource
    folder : pathlib.Path
        Where the path of a local catalogue starts.
    access : Access
        What may be asked of servers.
    bounds : tuple of float, optional
        West, south, east and north in degrees.

    Raises
    ------
    ConfigError
        When a filter is asked for that the server does not know, or pystac-client is not there.
    MissingFileError, DamagedFileError, UnsafeInputError, ResourceError
        When the catalogue cannot be read, or its server does not answer.
    """
    if not is_address(source.stac):
        top = folder / source.stac
        if source.filter is not None:
            raise _no_filter(str(top))
        found = _walk(str(top), top.parent.resolve(), access)
    elif urlsplit(source.stac).path.endswith(".json"):
        if source.filter is not None:
            raise _no_filter(source.stac)
        access.require(source.stac)
        found = _walk(source.stac, None, access)
    else:
        access.require(source.stac)
        found = _ask(source, access, bounds)
    kept = {one.where: one for one in found if _is_wanted(one.item, source, bounds)}
    return [kept[where] for where in sorted(kept)]


def _no_filter(where: str) -> ConfigError:
    what = N_("is a static catalogue, which knows no filter")
    return ConfigError(where, what, "leave filter out, and use datetime and max_cloud_percent")


def _is_wanted(item: Mapping[str, Any], source: StacSource, bounds: Bounds | None) -> bool:
    properties = item.get("properties")
    if not isinstance(properties, Mapping):
        return True  # opening it tells why it is none
    if source.collections and item.get("collection") not in source.collections:
        return False
    cloud = properties.get("eo:cloud_cover")
    limit = source.max_cloud_percent
    if limit is not None and isinstance(cloud, int | float) and cloud > limit:
        return False
    box = item.get("bbox")
    if bounds is not None and isinstance(box, list) and len(box) in (4, 6):
        west, south, east, north = (float(box[n]) for n in (0, 1, len(box) // 2, len(box) // 2 + 1))
        apart = east < bounds[0] or west > bounds[2] or north < bounds[1] or south > bounds[3]
        if west <= east and apart:
            return False
    return source.datetime is None or _in_time(properties, source.datetime)


def _in_time(properties: Mapping[str, Any], interval: str) -> bool:
    """Tell whether an item lies in an interval such as ``2020-06/2021-10`` or ``../2021``."""
    try:
        taken = str(properties.get("datetime") or properties.get("start_datetime"))
        day = datetime.fromisoformat(taken.replace("Z", "+00:00")).strftime("%Y-%m-%dT%H:%M:%S")
    except ValueError:
        return True  # opening it tells that its time is none
    first, _, last = interval.partition("/")
    last = last if "/" in interval else first
    first, last = (text.strip().removesuffix("Z") for text in (first, last))
    after = first in ("", "..") or day >= first
    return after and (last in ("", "..") or day[: len(last)] <= last)


def _walk(top: str, root: Path | None, access: Access) -> Iterator[Found]:
    """Yield the items that a static catalogue links to, its own folder never left."""
    waiting, seen, count = [(top, 0)], {top}, 0
    while waiting:
        where, depth = waiting.pop(0)
        document = _document(where, root, access)
        count += 1
        for item, own in _items_in(document, where):
            yield Found(item, own, None if root is None else str(root))
        if document.get("type") == "Feature" or depth >= DEEPEST:
            continue
        for link in document.get("links") or ():
            href = link.get("href") if isinstance(link, Mapping) else None
            if not isinstance(href, str) or link.get("rel") not in ("child", "item"):
                continue
            place = _joined(where, href, root)
            if place not in seen:
                seen.add(place)
                waiting.append((place, depth + 1))
        if count + len(waiting) > MOST_DOCUMENTS:
            what = N_("links to more than {most} files")
            raise UnsafeInputError(top, what, "name a part of it", most=MOST_DOCUMENTS)


def _items_in(document: Mapping[str, Any], where: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    if document.get("type") == "Feature":
        yield document, where
    elif document.get("type") == "FeatureCollection":
        for item in document.get("features") or ():
            if isinstance(item, Mapping):
                yield item, f"{where}#{item.get('id')}"


def _joined(where: str, href: str, root: Path | None) -> str:
    if root is None:
        return urljoin(where, href)
    path = (Path(where).parent / unquote(href)).resolve()
    if "://" in href or not path.is_relative_to(root):
        what = N_("names {href!r}, which lies outside of its catalogue")
        raise UnsafeInputError(where, what, "name that catalogue itself", href=href[:80])
    return str(path)


def _document(where: str, root: Path | None, access: Access) -> Mapping[str, Any]:
    try:
        if root is None:
            content = _get(where, access)
        else:
            require_plain(Path(where))
            with Path(where).open("rb") as stream:
                content = stream.read(MAX_METADATA_BYTES)
        document = json_of(content)
    except FileNotFoundError:
        raise MissingFileError(where, "does not exist", "check the path") from None
    except OSError as error:
        remedy = remedy_for(error, N_("copy it again"))
        raise DamagedFileError(where, "cannot be read ({error})", remedy, error=error) from None
    except ValueError as error:
        what = N_("is not valid JSON ({error})")
        raise DamagedFileError(where, what, "download it again", error=error) from None
    if not isinstance(document, Mapping):
        raise DamagedFileError(where, "is no catalogue of STAC", "name another file")
    return document


def _get(url: str, access: Access) -> bytes:
    return patiently(lambda: _try(url, access), access)


def _try(url: str, access: Access) -> bytes:
    requests = optional("stac", "requests")
    where = shown_address(url)
    try:
        with (
            Limit(access.longest_s) as limit,
            session_for(access).get(url, stream=True, timeout=access.wait_s) as answer,
        ):
            if limit.is_over:  # what came may seem whole
                raise _silent(where, TimeoutError())
            require_time(answer, where)
            if answer.status_code != 200:
                what = N_("its server does not have it (HTTP {status})")
                status = answer.status_code
                raise MissingFileError(where, what, "check the address", status=status)
            content = b""
            for part in answer.iter_content(1 << 16):
                content += part
                if len(content) > MAX_METADATA_BYTES:
                    raise UnsafeInputError(
                        where, "is too large for a catalogue", "name a part of it"
                    )
            if limit.is_over:
                raise _silent(where, TimeoutError())
            return content
    except requests.RequestException as error:
        raise _silent(where, error) from None


def _silent(where: str, error: Exception) -> ResourceError:
    return ResourceError(
        where,
        "its server does not answer as it should ({reason})",
        "run again later",
        reason=type(error).__name__,
    )


def _ask(source: StacSource, access: Access, bounds: Bounds | None) -> Iterator[Found]:
    """Yield the items that a server finds."""
    client_of = optional("stac", "pystac_client")
    where = shown_address(source.stac)
    io = client_of.stac_api_io.StacApiIO(timeout=access.wait_s, max_retries=None)
    io.session = session_for(access)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            client = client_of.Client.open(source.stac, stac_io=io)
            if not client.conforms_to("ITEM_SEARCH"):
                what = N_("is no server that can be searched")
                raise ConfigError(where, what, "give the address of its STAC API")
            if source.filter is not None and not client.conforms_to("FILTER"):
                what = N_("the server knows no filter, and would give other items")
                remedy = N_("leave filter out, and use datetime and max_cloud_percent")
                raise ConfigError(where, what, remedy)
            search = client.search(
                method="POST" if source.filter is None else "GET",
                collections=list(source.collections) or None,
                datetime=source.datetime,
                bbox=None if bounds is None else list(bounds),
                filter=source.filter,
                filter_lang=None if source.filter is None else "cql2-text",
                max_items=MOST_ITEMS,
            )
            for item in search.items_as_dicts():
                yield Found(item, _address(item, source.stac), None)
    except GlacialLakesError:
        raise
    except Exception as error:  # noqa: BLE001 (of the library, whatever the server gave)
        if (own := _own_error(error)) is not None:
            raise own from None
        raise _silent(where, error) from None


def _own_error(error: BaseException | None) -> GlacialLakesError | None:
    """Return the refusal of ours that the libraries between have wrapped; None where is none."""
    while error is not None and not isinstance(error, GlacialLakesError):
        error = error.__cause__ or error.__context__
    return error


def _address(item: Mapping[str, Any], server: str) -> str:
    """Return where an item says that it lies, or its name on the server."""
    links: Sequence[Any] = item.get("links") or ()
    own = (
        one.get("href") for one in links if isinstance(one, Mapping) and one.get("rel") == "self"
    )
    named = f"{server.rstrip('/')}/collections/{item.get('collection')}/items/{item.get('id')}"
    return shown_address(str(next(own, None) or named))
