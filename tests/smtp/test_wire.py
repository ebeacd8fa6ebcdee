"""Lines and blocks from one client."""

import asyncio

from listserv.smtp.wire import Wire


def test_who_says_much_at_once_lets_the_others_have_their_turn() -> None:
    said: list[str] = []

    async def talkative() -> None:
        reader = asyncio.StreamReader()
        reader.feed_data(b"RCPT\r\n" * 3)
        wire = Wire(reader)
        for _ in range(3):
            assert await wire.line(100) == b"RCPT\r\n"
            said.append("much")

    async def other() -> None:
        for _ in range(2):
            said.append("little")
            await asyncio.sleep(0)

    async def both() -> None:
        await asyncio.gather(talkative(), other())

    asyncio.run(both())
    assert said == ["much", "little", "much", "little", "much"]
