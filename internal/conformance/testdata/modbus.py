"""A Modbus TCP server for the recovery suite, on pymodbus.

Its arguments are the port on 127.0.0.1 and, where wanted, "rtu" for serial
frames over TCP and "empty" to begin without registers. It prints "ready" when it serves, and
takes commands on its standard input, each answered by "done": "set N" puts N
into the holding registers 10 and 11, high word first; "gone" makes them answer
exception 2, "empty" all registers; "moved" leaves something else in register 10,
nothing in 11, and the counter in 500 and 501; "back" ends all of that.
"""

import asyncio
import sys
import threading

from pymodbus.datastore import (
    ModbusSequentialDataBlock,
    ModbusServerContext,
    ModbusSlaveContext,
)
from pymodbus.framer.rtu_framer import ModbusRtuFramer
from pymodbus.framer.socket_framer import ModbusSocketFramer
from pymodbus.server.async_io import ModbusTcpServer


class Registers(ModbusSequentialDataBlock):
    """Registers of which some can be missing."""

    missing = range(0)

    def validate(self, address, count=1):
        asked = range(address, address + count)
        if any(a in self.missing for a in asked):
            return False
        return super().validate(address, count)


def obey(registers):
    at, value = 10, 0
    for line in sys.stdin:
        command, *args = line.split()
        if command == "set":
            value = int(args[0])
            registers.setValues(at, [value >> 16, value & 0xFFFF])
        elif command == "gone":
            registers.missing = range(10, 12)
        elif command == "empty":
            registers.missing = range(0, 1000)
        elif command == "moved":
            at = 500
            registers.setValues(10, [4711])
            registers.missing = range(11, 12)
        elif command == "back":
            at = 10
            registers.setValues(at, [value >> 16, value & 0xFFFF])
            registers.missing = range(0)
        print("done", flush=True)


async def main():
    registers = Registers(0, [0] * 1000)
    if "empty" in sys.argv:
        registers.missing = range(0, 1000)
    unit = ModbusSlaveContext(hr=registers, zero_mode=True)
    server = ModbusTcpServer(
        ModbusServerContext(slaves=unit, single=True),
        framer=ModbusRtuFramer if "rtu" in sys.argv else ModbusSocketFramer,
        address=("127.0.0.1", next(int(a) for a in sys.argv if a.isdigit())),
        allow_reuse_address=True,
    )
    asyncio.create_task(server.serve_forever())
    await server.serving
    threading.Thread(target=obey, args=(registers,), daemon=True).start()
    print("ready", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
