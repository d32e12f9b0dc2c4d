package modbus

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
)

// The sizes of frames around the data: unit, function and checksum.
const (
	rtuRequest    = 8
	rtuAround     = 5
	rtuException  = 5
	asciiHead     = 1
	asciiTail     = 2
	longestAnswer = 256
)

// dataSize is the number of data bytes that a read request (function, start,
// count) asks for.
func dataSize(pdu []byte) int {
	count := int(binary.BigEndian.Uint16(pdu[3:]))
	if pdu[0] <= 2 {
		return (count + 7) / 8
	}
	return 2 * count
}

// shape says how a frame that begins with got, without its checksum, goes with a
// request that begins with unit and function: the size of the frame before its
// checksum, 0 if it is no answer to it. got has at least two bytes.
func shape(got, request []byte) int {
	size := dataSize(request[1:])
	switch {
	case got[0] != request[0]:
		return 0
	case got[1] == request[1]|exceptionBit:
		return 3
	case got[1] != request[1], len(got) > 2 && int(got[2]) != size:
		return 0
	}
	return 3 + size
}

// rtuCodec knows frames of unit, function, data and CRC.
type rtuCodec struct{}

func (rtuCodec) answerSize(request []byte) int { return rtuAround + dataSize(request[1:]) }

func (rtuCodec) find(got, request []byte, last bool) (int, int) {
	for from := 0; from+2 <= len(got); from++ {
		size := shape(got[from:], request)
		if size == 0 {
			continue
		}
		to := from + size + 2
		switch {
		case to > len(got):
			if !last {
				return 0, 0
			}
		case crcFits(got[from:to]):
			return from, to
		}
	}
	return 0, 0
}

func (rtuCodec) foreign(got, request []byte) bool {
	for from := 0; from+rtuException <= len(got); from++ {
		if got[from] == request[0] {
			continue
		}
		other := [6]byte{got[from]}
		copy(other[1:], request[1:6])
		if size := shape(got[from:], other[:]); size > 0 && from+size+2 <= len(got) && crcFits(got[from:from+size+2]) {
			return true
		}
	}
	return false
}

// crcFits says that the last two bytes are the CRC of the others.
func crcFits(frame []byte) bool {
	n := len(frame) - 2
	return binary.LittleEndian.Uint16(frame[n:]) == crcOf(frame[:n])
}

func crcOf(data []byte) uint16 {
	crc := uint16(0xffff)
	for _, b := range data {
		crc ^= uint16(b)
		for range 8 {
			low := crc & 1
			crc >>= 1
			if low == 1 {
				crc ^= 0xa001
			}
		}
	}
	return crc
}

// asciiCodec knows frames of a colon, unit, function, data and LRC in
// hexadecimal, and the end of a line.
type asciiCodec struct{}

func (asciiCodec) answerSize(request []byte) int {
	raw, ok := asciiBytes(request)
	if !ok {
		return 0
	}
	return asciiHead + 2*(rtuAround-1+dataSize(raw[1:])) + asciiTail
}

func (asciiCodec) find(got, request []byte, _ bool) (int, int) {
	return asciiFind(got, request, func(raw, want []byte) bool { return shape(raw, want) == len(raw)-1 })
}

func (asciiCodec) foreign(got, request []byte) bool {
	_, to := asciiFind(got, request, func(raw, want []byte) bool { return raw[0] != want[0] })
	return to > 0
}

// asciiFind is the first whole frame that fits. A colon always begins a frame.
func asciiFind(got, request []byte, fits func(raw, want []byte) bool) (int, int) {
	want, ok := asciiBytes(request)
	if !ok {
		return 0, 0
	}
	for end := 0; ; {
		n := bytes.IndexByte(got[end:], '\n')
		if n < 0 {
			return 0, 0
		}
		to := end + n + 1
		from := end + bytes.LastIndexByte(got[end:to], ':')
		if from >= end {
			if raw, ok := asciiBytes(got[from:to]); ok && fits(raw, want) {
				return from, to
			}
		}
		end = to
	}
}

// asciiBytes is what a frame holds, with its LRC; false if it is no frame.
func asciiBytes(frame []byte) ([]byte, bool) {
	n := len(frame) - asciiHead - asciiTail
	if n < 8 || n%2 != 0 || n > 2*longestAnswer || frame[0] != ':' || frame[len(frame)-2] != '\r' || frame[len(frame)-1] != '\n' {
		return nil, false
	}
	raw := make([]byte, n/2)
	if _, err := hex.Decode(raw, frame[asciiHead:asciiHead+n]); err != nil {
		return nil, false
	}
	var sum byte
	for _, b := range raw {
		sum += b
	}
	return raw, sum == 0
}
