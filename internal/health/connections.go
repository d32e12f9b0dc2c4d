package health

// aboutConnections describes what concerns connections and what is behind them.
func aboutConnections(c Code) (Definition, bool) {
	switch c {
	case LinkDown:
		return Definition{Name: "link_down", Severity: Alarm, Title: "The connection is down",
			Next: "Check that the device is on and in run mode, its cable and switch, its address, and whether another program took its last session or something between swallows packets. The gateway keeps trying; the state of its machines is unknown meanwhile."}, true
	case LinkStale:
		return Definition{Name: "link_stale", Severity: Alarm, Title: "The connection is up, but every value is bad",
			Next: "Look at the device itself: the PLC may stand in stop, its program may be loading, or the server has lost its own link to the PLC. Compare the addresses with the device if its program was changed. Nothing is counted meanwhile."}, true
	case UnitSilent:
		return Definition{Name: "unit_silent", Severity: Alarm, Title: "A unit behind the gateway does not answer",
			Next: "Check that the unit is on, its number, and its place on the serial line (wires, baud, parity, termination). The other units of the line go on, and this one is asked again and again."}, true
	case SourceOffline:
		return Definition{Name: "source_offline", Severity: Alarm, Title: "A device has announced that it is away",
			Next: "Check the device's power and network, and whether its name at the broker is still the same. It is back as soon as it announces itself."}, true
	case SourceIncomplete:
		return Definition{Name: "source_incomplete", Severity: Warning, Title: "What a source sends does not come completely, or can not be understood",
			Next: "Do what the detail says. A Sparkplug Edge Node must send its birth again (in Ignition: Refresh of the transmission; with rebirth: true the gateway may ask for it), and its values are not used until then. A broker must let the gateway read the topic, or keep its session."}, true
	case TooSlow:
		return Definition{Name: "too_slow", Severity: Warning, Title: "The device can not keep the wished period",
			Next: "Wish a longer period for its tags (every, publishing, sampling), ask for fewer tags, or look for another program that reads the same device. Counts stay right; states are noticed later."}, true
	case ClockWrong:
		return Definition{Name: "clock_wrong", Severity: Warning, Title: "The clock of the device is wrong",
			Next: "Set the clock of the device, or let it follow a time server (NTP). Counts are right; the age of values can be misjudged."}, true
	}
	return aboutAccess(c)
}

// aboutAccess describes why a device does not let the gateway in.
func aboutAccess(c Code) (Definition, bool) {
	switch c {
	case CertificateUntrusted:
		return Definition{Name: "certificate_untrusted", Severity: Alarm, Title: "The device's certificate is not trusted",
			Next: "If the device was replaced or got another certificate on purpose, accept it with the certificate command; if nobody knows of it, find out what answers at this address before you do."}, true
	case CertificateRefused:
		return Definition{Name: "certificate_refused", Severity: Alarm, Title: "The device does not trust the gateway's certificate",
			Next: "In the device's or server's own tool, move the gateway's certificate from the rejected to the trusted ones; the certificate command exports it for those that want a file."}, true
	case CertificateExpiring:
		return Definition{Name: "certificate_expiring", Severity: Warning, Title: "A certificate ends soon, or has ended",
			Next: "Renew the certificate that the detail names before it ends, and let the other side trust the renewed one; afterwards the connection is refused."}, true
	case LoginRefused:
		return Definition{Name: "login_refused", Severity: Alarm, Title: "The device turns user and password away",
			Next: "Check user and password of the connection, and whether the account is locked or its password was changed. It is tried again every few seconds."}, true
	case SessionsExhausted:
		return Definition{Name: "sessions_exhausted", Severity: Alarm, Title: "The device has no session left",
			Next: "Close other programs that are connected to the device (engineering tools, test clients, a second gateway), or raise its number of sessions. Sessions that were left behind end by themselves after their timeout."}, true
	case ClientIDTaken:
		return Definition{Name: "client_id_taken", Severity: Alarm, Title: "Another client uses the same name at the broker",
			Next: "Give each client its own client_id, and look for a second gateway with the same configuration: two clients of one name throw each other out."}, true
	}
	return Definition{}, false
}
