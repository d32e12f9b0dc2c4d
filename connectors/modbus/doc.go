// Package modbus reads coils, discrete inputs, input registers and holding
// registers of Modbus devices: over Modbus TCP, over a serial port (RTU and
// ASCII), and over a converter that carries serial frames through a network. It
// polls: each period's tags are read in as few requests as the
// device's limits and holes allow, and come out as one batch.
//
// It never writes: the function codes 1 to 4 are all it sends. It does not know
// what a tag means, does not scale, does not compare a value with the one
// before, and does not reconnect; all of that belongs to others.
//
// # Addresses
//
//	[UNIT/]NUMBER        40001, 400001, 3/40001
//	[UNIT/]AREA:NUMBER   holding:0, input:12, coil:3, discrete:3, holding:0x63,
//	                     3/holding:40001, 3/discrete:10003
//
// UNIT is the unit (slave) number, 0 to 255; without it Config.Unit counts.
//
// A NUMBER alone has five or six digits, as manuals print it: the first digit
// names the area (0 coil, 1 discrete, 3 input, 4 holding), the others count
// from one. 40001 and 400001 are the first holding register, 00001 is the first
// coil. Five digits reach 9999 data of an area, six reach all 65536.
//
// With an AREA the number is the offset as it travels on the wire, counting
// from zero (from one with Config.OneBased), decimal or hexadecimal. But a
// number of five or six decimal digits that begins with the digit of an area is
// always taken as the manual's form: holding:40001 is offset 0, discrete:10003
// is offset 2, and holding:10003 is refused because 1 is the digit of discrete
// inputs. An offset that looks like that is written in hexadecimal:
// holding:0x9c41 is the register with the offset 40001, holding:0x2713 the one
// with the offset 10003. Numbers that can not be mistaken (holding:20000,
// holding:9999) need no such care.
//
// # Types
//
// Coils and discrete inputs are bool. A register is uint16 unless the tag says
// otherwise: int16, int32, int64, uint16, uint32, uint64, float32, float64,
// bcd16 (four decimal digits in one register), bcd32 (eight in two), string
// (Tag.Length registers), or one bit of an integer (Tag.Bit). A float's NaN and
// infinities are passed on as they are; a register that is not BCD is a sample
// of Bad quality. A string ends at the first NUL and loses the blanks at its
// end; bytes that are not UTF-8 are read as Latin-1.
//
// # Byte orders
//
// The letters name the bytes of a 32-bit value from the most significant (A) to
// the least (D) in the order in which the device sends them:
//
//	ABCD  big-endian: the standard, and the default
//	CDAB  least significant register first, bytes within a register as usual
//	BADC  most significant register first, bytes within a register swapped
//	DCBA  little-endian: both swapped
//
// 64-bit values follow the same two rules with four registers. In one register
// only the bytes can be swapped, so there CDAB is ABCD and DCBA is BADC. A
// string knows ABCD and BADC.
//
// # Requests
//
// The plan of a period is the smallest number of requests that the limits of the
// device allow, and of these the one that reads the fewest data. It never tears
// a value of several registers, never reads on over more than Config.Gap unused
// data, and never touches Config.Holes. What a device refuses to give together
// is split, remembered over connections, and tried anew after half an hour, and
// then less and less often as long as it stays so.
//
// # Serial lines
//
// One Config is one line with all its units, and one request is under way at a
// time. Serial frames carry no number, so what belongs to which request follows
// from time alone: after the port was opened, and after every request that
// failed, the line must be silent for one timeout before anything is sent, and
// the unit that failed is asked nothing more in that round. Between the rounds
// of Config.Release the line is opened again without that wait, unless a request
// had failed. An answer must have
// the unit, function, size and checksum of the request, and must stand alone.
// One that is later than two timeouts and has the very shape of a request that
// is then under way can not be told from its answer, by anyone; so the timeout
// belongs well above the longest time that the device takes.
//
// The timeout is for the device; the time that the characters take on the line
// is added to it. go.bug.st/serial drives the port, since it bounds each read
// by itself, empties the port's buffers and claims the port for itself, none of which
// goburrow/serial does.
//
// # Trouble
//
// In Modbus TCP an answer belongs to a request only if it carries its
// transaction number, so an answer that comes too late is dropped, never given
// to the next request. A unit that does not answer is left alone for 1, 2, 4,
// then 8 s, and delays the other units by no more than one timeout each time. A
// datum that the device refuses ("illegal data address") is separated from its
// neighbours, so that they go on, and is asked for again after 5 to 30 s; one
// about which it keeps silent while it answers others, after 1 to 8 s. In all
// these cases the tags concerned are samples of Bad quality with the reason in
// every period. Where the period is longer than two seconds, what failed is not
// left until the next one: it is tried again five times in quick succession, and
// then twenty times in a period. When nothing answers at all, Run ends.
package modbus
