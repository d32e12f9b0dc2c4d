"""A Modbus slave behind serial frames, with the contents of server.py.

Arguments: rtu or ascii, and a serial port, or "tcp" for frames over a network.
It prints a port number (0 for a serial port) and serves until its standard
input ends.
"""

import asyncio
import sys

from pymodbus.datastore import ModbusServerContext
from pymodbus.server.async_io import ModbusSerialServer, ModbusTcpServer
from pymodbus.transaction import ModbusAsciiFramer, ModbusRtuFramer

from server import unit


async def main():
    framer = {"rtu": ModbusRtuFramer, "ascii": ModbusAsciiFramer}[sys.argv[1]]
    context = ModbusServerContext(slaves={1: unit(0), 7: unit(700)}, single=False)
    if sys.argv[2] == "tcp":
        server = ModbusTcpServer(context, framer=framer, address=("127.0.0.1", 0))
        task = asyncio.create_task(server.serve_forever())
        await server.serving
        number = server.server.sockets[0].getsockname()[1]
    else:
        server = ModbusSerialServer(
            context, framer=framer, port=sys.argv[2], baudrate=19200, timeout=1
        )
        await server.start()
        task = asyncio.create_task(server.serve_forever())
        number = 0
    print(number, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    task.cancel()


if __name__ == "__main__":
    asyncio.run(main())
