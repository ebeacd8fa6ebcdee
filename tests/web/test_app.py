"""Where the pages are, whether a proxy takes the path of our URL away or not."""

from pathlib import Path

import pytest

from listserv.web.limits import Limits
from tests.web.serving import Serving


@pytest.mark.parametrize("prefix", ["", "/groups", "/lists", "/u", "/a/b", "/lists/lists"])
def test_each_page_is_there_with_the_path_of_our_url_and_without(
    tmp_path: Path, prefix: str
) -> None:
    server = Serving(tmp_path, Limits(), prefix=prefix)
    try:
        town = server.world.found("town", title="Our Town", advertised=True)
        link = server.link(server.world.join(town, "ann@x.test"))
        pages = {
            link: "Leave “Our Town”?",
            "/": "Our Town",
            f"/lists/{town.address}": "Our Town",
            "/settings": "settings",
        }
        for path, expected in pages.items():
            for where in (path, prefix + path):
                answer = server.get(where)
                assert (where, answer.status) == (where, 200)
                assert expected in answer.text
        for path in (f"/x{link}", f"{prefix}x{link}", f"{prefix}{prefix}{prefix}{link}"):
            assert server.get(path).status == (200 if path == link else 404), path
    finally:
        server.close()
