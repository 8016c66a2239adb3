"""Settings come from the environment, and bad ones are refused in a sentence."""

from __future__ import annotations

import pytest

from migration.proxy import Proxy, ProxySettings, SettingsError


def test_every_setting_can_be_given() -> None:
    given = ProxySettings.from_environ(
        {
            "CUTOVER_CONNECT_TIMEOUT": "1.5", "CUTOVER_POOL_SIZE": "7", "CUTOVER_PRESERVE_HOST": "no",
            "CUTOVER_TRUSTED_HOPS": "2", "CUTOVER_READ_TIMEOUT": "", "UNRELATED": "x",
        }
    )  # fmt: skip
    assert given == ProxySettings(connect_timeout=1.5, pool_size=7, preserve_host=False, trusted_hops=2)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CUTOVER_READ_TIMEOUT", "soon"),
        ("CUTOVER_READ_TIMEOUT", "0"),
        ("CUTOVER_READ_TIMEOUT", "nan"),
        ("CUTOVER_CONNECT_TIMEOUT", "inf"),
        ("CUTOVER_POOL_SIZE", "-1"),
        ("CUTOVER_POOL_SIZE", "1.5"),
        ("CUTOVER_TRUSTED_HOPS", "one"),
        ("CUTOVER_PRESERVE_HOST", "maybe"),
    ],
)
def test_bad_settings_are_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=rf"^{name} must be .*\.$"):
        ProxySettings.from_environ({name: value})


@pytest.mark.parametrize("url", ["ftp://x", "http://", "x", "http://h:99999", "http://h/?q", "http://u:p@h"])
def test_bad_upstreams_are_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="must be a URL like"):
        Proxy(lambda environ, start_response: [], url, None)  # type: ignore[arg-type]
