"""A Modbus TCP server with known contents, for the tests of connectors/modbus.

It prints its port on 127.0.0.1 and serves until its standard input ends. What
the registers hold is listed in peer_test.go.
"""

import asyncio
import struct
import sys

from pymodbus.datastore import (
    ModbusSequentialDataBlock,
    ModbusServerContext,
    ModbusSlaveContext,
)
from pymodbus.server.async_io import ModbusTcpServer


def registers(order, fmt, value):
    """The registers of a value in one of the four byte orders."""
    raw = struct.pack(">" + fmt, value)
    words = [raw[i : i + 2] for i in range(0, len(raw), 2)]
    if order in ("CDAB", "DCBA"):
        words.reverse()
    if order in ("BADC", "DCBA"):
        words = [w[::-1] for w in words]
    return [struct.unpack(">H", w)[0] for w in words]


def contents():
    r = [0xCAFE, 0xFFFE]
    for order in ("ABCD", "CDAB", "BADC", "DCBA"):
        r += registers(order, "I", 305419896)
    for order in ("ABCD", "CDAB", "BADC", "DCBA"):
        r += registers(order, "Q", 1311768467463790320)
    for order in ("ABCD", "CDAB", "BADC", "DCBA"):
        r += registers(order, "f", 12320.5)
    for order in ("ABCD", "DCBA"):
        r += registers(order, "d", -2.5)
    r += [0x9876, 0x1234, 0x5678]
    r += [0x4A4F, 0x422D, 0x3432, 0x0000]
    r += registers("ABCD", "i", -100000)
    r += registers("CDAB", "q", -5000000000)
    return r + [0] * (300 - len(r))


def unit(shift):
    return ModbusSlaveContext(
        hr=ModbusSequentialDataBlock(0, contents()),
        ir=ModbusSequentialDataBlock(0, [4711 + shift + i for i in range(300)]),
        co=ModbusSequentialDataBlock(0, [i % 3 == 0 for i in range(3000)]),
        di=ModbusSequentialDataBlock(0, [i % 5 == 0 for i in range(3000)]),
        zero_mode=True,
    )


async def main():
    context = ModbusServerContext(slaves={1: unit(0), 7: unit(700)}, single=False)
    server = ModbusTcpServer(context, address=("127.0.0.1", 0))
    task = asyncio.create_task(server.serve_forever())
    await server.serving
    print(server.server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    task.cancel()


if __name__ == "__main__":
    asyncio.run(main())
