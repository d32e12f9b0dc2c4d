package modbus

import "strconv"

// Reasons of Bad samples, besides the device's exceptions.
const (
	reasonSilent    = "no answer within the timeout"
	reasonGarbled   = "garbled answer"
	reasonNoLink    = "no connection in this round"
	reasonMismatch  = "answer does not match the request"
	reasonWaiting   = "not asked yet, because other units do not answer"
	reasonWrongUnit = "answer of another unit"
	reasonNotBCD    = "not a BCD number"
)

// Exception codes that decide how a connection goes on.
const (
	exceptionFunction    = 1
	exceptionAddress     = 2
	exceptionQuantity    = 3
	exceptionGatewayPath = 10
	exceptionGatewayMute = 11
)

// exceptionReason names an exception code.
func exceptionReason(code byte) string {
	switch code {
	case exceptionFunction:
		return "exception 1: illegal function"
	case exceptionAddress:
		return "exception 2: illegal data address"
	case exceptionQuantity:
		return "exception 3: illegal data value"
	case 4:
		return "exception 4: server device failure"
	case 5:
		return "exception 5: acknowledge"
	case 6:
		return "exception 6: server device busy"
	case 7:
		return "exception 7: negative acknowledge"
	case 8:
		return "exception 8: memory parity error"
	case exceptionGatewayPath:
		return "exception 10: gateway path unavailable"
	case exceptionGatewayMute:
		return "exception 11: gateway target device failed to respond"
	}
	return "exception " + strconv.Itoa(int(code))
}
