/*
 * A Modbus server with known contents, for the tests of connectors/modbus.
 *
 * It prints its port on 127.0.0.1 and serves one connection after the other
 * until it is killed. With the name of a serial port it is an RTU slave there,
 * and prints 0. What the registers hold is listed in peer_test.go. The
 * library's modbus_set_float_ functions are not used: in 3.1.6 they swap the
 * bytes of each register on a little-endian machine.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <modbus.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static uint16_t *next;

/* place puts a value of some registers: low_first sends the least significant
 * register first, swapped swaps the bytes of each. */
static void place(uint64_t value, int registers, int low_first, int swapped)
{
    for (int i = 0; i < registers; i++) {
        int shift = 16 * (low_first ? i : registers - 1 - i);
        uint16_t word = (uint16_t) (value >> shift);
        *next++ = swapped ? (uint16_t) (word << 8 | word >> 8) : word;
    }
}

static void contents(uint16_t *registers)
{
    double number = -2.5;
    uint64_t bits;

    memcpy(&bits, &number, sizeof bits);
    next = registers;
    place(0xCAFE, 1, 0, 0);
    place(0xFFFE, 1, 0, 0);
    for (int order = 0; order < 4; order++)
        place(305419896u, 2, order & 1, order >> 1);
    for (int order = 0; order < 4; order++)
        place(1311768467463790320u, 4, order & 1, order >> 1);
    for (int order = 0; order < 4; order++)
        place(0x46408200, 2, order & 1, order >> 1); /* 12320.5 */
    place(bits, 4, 0, 0);
    place(bits, 4, 1, 1);
    place(0x9876, 1, 0, 0);
    place(0x12345678, 2, 0, 0);
    place(0x4A4F422D34320000, 4, 0, 0);
    place((uint64_t) (int64_t) -100000, 2, 0, 0);
    place((uint64_t) (int64_t) -5000000000, 4, 1, 0);
}

/* serve answers until the connection ends. */
static void serve(modbus_t *device, modbus_mapping_t *map)
{
    uint8_t request[MODBUS_TCP_MAX_ADU_LENGTH];
    int length;

    do {
        length = modbus_receive(device, request);
        if (length > 0)
            modbus_reply(device, request, length, map);
    } while (length >= 0 || errno == EMBBADCRC);
}

int main(int count, char **arguments)
{
    modbus_t *device = count > 1 ? modbus_new_rtu(arguments[1], 19200, 'E', 8, 1) : modbus_new_tcp("127.0.0.1", 0);
    modbus_mapping_t *map = modbus_mapping_new(3000, 3000, 300, 300);
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    int listener;

    if (device == NULL || map == NULL) {
        perror("server");
        return 1;
    }
    contents(map->tab_registers);
    for (int i = 0; i < 300; i++)
        map->tab_input_registers[i] = (uint16_t) (4711 + i);
    for (int i = 0; i < 3000; i++) {
        map->tab_bits[i] = i % 3 == 0;
        map->tab_input_bits[i] = i % 5 == 0;
    }
    if (count > 1) {
        modbus_set_slave(device, 1);
        if (modbus_connect(device) != 0) {
            perror(arguments[1]);
            return 1;
        }
        printf("0\n");
        fflush(stdout);
        for (;;)
            serve(device, map);
    }
    if ((listener = modbus_tcp_listen(device, 1)) < 0 || getsockname(listener, (struct sockaddr *) &address, &size) != 0) {
        perror("server");
        return 1;
    }
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    while (modbus_tcp_accept(device, &listener) >= 0) {
        serve(device, map);
        modbus_close(device);
    }
    perror("accept");
    return 1;
}
