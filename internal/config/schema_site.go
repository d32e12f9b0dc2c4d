package config

func rootObject(machine, template *object) *object {
	return &object{name: "the configuration", fields: []*field{
		{key: "site", kind: kindText, doc: "name of the plant, for logs, metrics and the MQTT client id"},
		{key: "timezone", kind: kindText, doc: "IANA time zone of the plant, such as Europe/Istanbul, for the calendar, the times in texts, and those of Prodsmart's that name none; without it the computer's own"},
		{key: "data", kind: kindText, doc: "folder of the store; a relative path is taken from the folder of this file; without it the platform's place"},
		{key: "include", kind: kindTexts, doc: "files that belong to this one, with wildcards, relative to this file"},
		{key: "prodsmart", kind: kindObject, sub: prodsmartObject(), doc: "how Prodsmart is reached and told"},
		{key: "connections", kind: kindMap, named: "connection names", doc: "the devices and brokers, by a name of your choice"},
		{key: "templates", kind: kindMap, sub: template, named: "template names", doc: "what machines of one class have in common"},
		{key: "machines", kind: kindMap, sub: machine, named: "machine codes", doc: "the machines, by their code in Prodsmart"},
		{key: "calendar", kind: kindObjects, sub: calendarObject(), doc: "planned times, in order of priority"},
		{key: "orders", kind: kindObject, sub: ordersObject(), doc: "mirror of production orders"},
		{key: "board", kind: kindObject, sub: listenObject("board", "127.0.0.1:8080", "address reserved for the supervisor's page, or none; nothing listens there in this version"), doc: "reserved for the supervisor's page"},
		{key: "metrics", kind: kindObject, sub: listenObject("metrics", "127.0.0.1:9182", "address of /metrics, /healthz and /readyz, or none"), doc: "figures for monitoring"},
		{key: "journal", kind: kindObject, sub: journalObject(), doc: "bounds of the local journal"},
	}}
}

// partObject is what an included file may hold.
func partObject(root *object) *object {
	o := &object{name: "an included file"}
	for _, f := range root.fields {
		switch f.key {
		case "include", "connections", "templates", "machines", "calendar":
			o.fields = append(o.fields, f)
		}
	}
	return o
}

func prodsmartObject() *object {
	return &object{name: "prodsmart", fields: []*field{
		{key: "url", kind: kindText, def: "https://app.prodsmart.com", doc: "address of Prodsmart without the prefix"},
		{key: "key", kind: kindSecret, doc: "reference to the API key"},
		{key: "secret", kind: kindSecret, doc: "reference to the API secret"},
		{key: "mode", kind: kindText, def: "dry-run", allowed: []string{"dry-run", "live"}, doc: "dry-run shows and journals all posts and sends none; live sends them"},
		{key: "budget", kind: kindInt, def: "100", min: "1", max: "120", doc: "requests a minute, of the 120 that all integrations of the company share"},
		{key: "share", kind: kindShare, def: "1", min: "1%", max: "1", doc: "this gateway's part of the budget where several gateways of one company share it: 1/2, 0.5 or 50%"},
		{key: "count_is", kind: kindText, def: "good", allowed: []string{"good", "total"}, doc: "what the machine counter of the tenant means: good pieces, or all pieces"},
		{key: "report_every", kind: kindDuration, def: "30s", min: "1s", max: "24h", doc: "how often a changed count is told"},
		{key: "auth", kind: kindText, def: "basic", allowed: []string{"basic", "token"}, doc: "how the machine services are authenticated"},
		{key: "insecure", kind: kindBool, def: "false", doc: "allow http:// on loopback, for a pretend Prodsmart"},
		{key: "prefix", kind: kindText, def: "/api", doc: "what stands between the address and the documented paths; / for nothing"},
		{key: "paths", kind: kindObject, sub: pathsObject(), doc: "paths of single services, where a tenant's differ"},
		{key: "timeout", kind: kindDuration, def: "20s", min: "1s", max: "5m", doc: "longest time for one request"},
		{key: "proxy", kind: kindText, doc: "address of a proxy, or direct for none; without it the environment's HTTPS_PROXY"},
		{key: "proxy_user", kind: kindUser, doc: "user at the proxy"},
		{key: "proxy_password", kind: kindSecret, doc: "reference to the password at the proxy"},
		{key: "ca", kind: kindText, doc: "PEM file with authorities trusted besides the system's, for a proxy that opens TLS"},
		{key: "waste", kind: kindText, def: "changed", allowed: []string{"changed", "all"}, doc: "waste codes in a post: those that grew, or all"},
		{key: "waste_only", kind: kindText, def: "hold", allowed: []string{"hold", "send"}, doc: "waste that grew without the count: hold it until the next piece, or send it at once"},
		{key: "first_zero", kind: kindText, def: "post", allowed: []string{"post", "skip"}, doc: "whether the first count of a machine is told, with its waste, although it is 0; a tenant that refuses it is no error"},
		{key: "ambiguous_wait", kind: kindDuration, def: "2m", min: "1s", max: "1h", doc: "how long an unanswered total waits for the count to grow before it is sent once more"},
		{key: "refused_retry", kind: kindDuration, def: "10m", min: "10s", max: "24h", doc: "how long after a refusal a machine is tried again"},
		{key: "repeat_stop", kind: kindBool, def: "true", doc: "whether a stop without an answer is sent once more; false where the tenant would open a second downtime"},
		{key: "backlog", kind: kindText, def: "post", allowed: []string{"post", "hold"}, doc: "pieces of an earlier order that could not be told before the order changed: post them, to be booked on the record that is open now, or hold the machine's counter until it is released; needs order at the machine"},
		{key: "reconcile", kind: kindObject, sub: reconcileObject(), doc: "comparison of what was told with what Prodsmart holds"},
		{key: "follow", kind: kindObject, sub: followObject(), doc: "a copy of Prodsmart's production orders, production records and downtimes, kept up to date; in mode live only, and there always with orders in mode live"},
	}}
}

func reconcileObject() *object {
	return &object{name: "reconcile", fields: []*field{
		{key: "every", kind: kindDuration, def: "15m", min: "0s", max: "24h", doc: "time between two comparisons, in requests that nobody else needs; 0s for none, and there is none in a dry run"},
	}}
}

func listenObject(name, address, doc string) *object {
	return &object{name: name, fields: []*field{{key: "listen", kind: kindText, def: address, doc: doc}}}
}

func journalObject() *object {
	return &object{name: "journal", fields: []*field{
		{key: "keep", kind: kindDuration, def: "90d", min: "1d", max: "3650d", doc: "age at which entries are removed"},
		{key: "size", kind: kindSize, def: "500MB", doc: "size at which the oldest entries are removed"},
	}}
}

func calendarObject() *object {
	return &object{name: "calendar", fields: []*field{
		{key: "machines", kind: kindTexts, doc: "machine codes, * for any letters; without it all machines"},
		{key: "type", kind: kindText, required: true, doc: "it is the downtime type in Prodsmart; not one of its calendar reasons"},
		{key: "times", kind: kindTexts, required: true, doc: `they are written like "mon-fri 10:00-10:15" or "daily 22:00-06:00"`},
		{key: "only", kind: kindTexts, doc: "dates, such as 2026-12-24, on which the times hold; without it all days"},
		{key: "except", kind: kindTexts, doc: "dates on which the times do not hold"},
	}}
}

func opcuaObject() *object {
	return &object{name: "opcua", fields: []*field{
		{key: "endpoint", kind: kindText, required: true, doc: "it is the server's address, such as opc.tcp://10.0.4.21:4840"},
		{key: "security", kind: kindText, def: "None", allowed: []string{"None", "Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"}, doc: "security policy of the messages; None neither signs nor encrypts"},
		{key: "mode", kind: kindText, def: "sign_and_encrypt", allowed: []string{"sign_and_encrypt", "sign"}, doc: "what a policy other than None does with messages"},
		{key: "user", kind: kindUser, doc: "user name at the server"},
		{key: "password", kind: kindSecret, doc: "reference to the password"},
		{key: "user_certificate", kind: kindText, doc: "PEM or DER file of the certificate of a user who logs in with it instead of a password"},
		{key: "user_key", kind: kindText, doc: "PEM or DER file with the key of that certificate"},
		{key: "certificate_dir", kind: kindText, doc: "folder of the gateway's own certificate and of the servers'; without it the folder pki in data"},
		{key: "trust", kind: kindText, def: "first", allowed: []string{"first", "list", "any"}, doc: "which certificates of servers are accepted: the first one seen and no other from then on, those in the folder of trusted ones, or any"},
		{key: "ignore_host", kind: kindBool, def: "false", doc: "accept a certificate that names another host than endpoint"},
		{key: "profile", kind: kindText, def: "auto", allowed: []string{"auto", "generic", "s7-1200", "s7-1500", "kepware", "codesys", "beckhoff"}, doc: "kind of server, with the limits of its maker; auto finds it out"},
		{key: "read", kind: kindText, def: "auto", allowed: []string{"auto", "subscribe", "poll"}, doc: "how values come; auto polls where a server has no subscriptions"},
		{key: "publishing", kind: kindDuration, def: "1s", min: "50ms", max: "1m", doc: "how often the server sends what changed; the period where it is polled"},
		{key: "sampling", kind: kindDuration, min: "10ms", max: "1h", doc: "how often the server looks at tags that name no period; without it as often as it sends"},
		{key: "queue", kind: kindInt, def: "10", min: "1", max: "10000", doc: "values the server keeps for a tag between two publishings"},
		{key: "timeout", kind: kindDuration, def: "5s", min: "100ms", max: "1m", doc: "longest time for connecting and for a request"},
	}}
}

func modbusObject() *object {
	return &object{name: "modbus", fields: []*field{
		{key: "address", kind: kindText, required: true, doc: "it is the device's address, such as tcp://10.0.4.30:502, rtuovertcp:// or asciiovertcp:// for serial frames over a network, or a serial port: rtu:///dev/ttyUSB0?baud=9600&parity=E&stop=1&data=8, rtu://COM3, ascii://COM3"},
		{key: "unit", kind: kindInt, def: "1", min: "0", max: "255", doc: "unit of tags that name none"},
		{key: "every", kind: kindDuration, def: "1s", min: "20ms", max: "24h", doc: "polling period of tags that name none"},
		{key: "timeout", kind: kindDuration, def: "2s", min: "50ms", max: "1m", doc: "longest time for connecting and for a request; longer than a serial gateway's own"},
		{key: "max_read", kind: kindInt, def: "125", min: "1", max: "125", doc: "most registers in one request"},
		{key: "max_read_bits", kind: kindInt, def: "2000", min: "1", max: "2000", doc: "most coils or discrete inputs in one request"},
		{key: "gap", kind: kindInt, def: "16", min: "-1", max: "124", doc: "most unused registers read along to save a request; -1 reads nothing but tags"},
		{key: "one_based", kind: kindBool, def: "false", doc: "true if holding:1 is the first register, as in manuals that count from one"},
		{key: "holes", kind: kindTexts, doc: "what must never be read along, such as holding:100-119 or 3/input:7"},
		{key: "connect_pause", kind: kindDuration, def: "0", min: "0", max: "10s", doc: "wait between connecting and the first request"},
		{key: "pause", kind: kindDuration, def: "0", min: "0", max: "10s", doc: "wait between an answer and the next request"},
		{key: "release", kind: kindBool, def: "false", doc: "give the connection back after every round, for devices that serve one client at a time"},
	}}
}

func mqttObject() *object {
	return &object{name: "mqtt", fields: []*field{
		{key: "broker", kind: kindText, required: true, doc: "it is the broker's address, such as tcp://10.0.4.5:1883 or ssl://10.0.4.5:8883"},
		{key: "client_id", kind: kindText, doc: "name at the broker, different for each client; without it made of site and connection"},
		{key: "user", kind: kindUser, doc: "user name at the broker"},
		{key: "password", kind: kindSecret, doc: "reference to the password"},
		{key: "ca", kind: kindText, doc: "PEM file with the authorities of the broker's certificate; without it the system's"},
		{key: "certificate", kind: kindText, doc: "PEM file with the gateway's own certificate"},
		{key: "key", kind: kindText, doc: "PEM file with the key of that certificate"},
		{key: "server_name", kind: kindText, doc: "name in the broker's certificate, if not its host"},
		{key: "qos", kind: kindInt, def: "1", min: "0", max: "1", doc: "quality of service of subscriptions"},
		{key: "keep_alive", kind: kindDuration, def: "5s", min: "1s", max: "10m", doc: "silence after which the broker is asked whether it is there"},
		{key: "timeout", kind: kindDuration, def: "5s", min: "100ms", max: "1m", doc: "longest time for connecting and for an answer"},
		{key: "payload", kind: kindText, def: "text", allowed: []string{"text", "sparkplug"}, doc: "text or JSON, or Sparkplug B, whose tags this version does not read: GROUP/NODE or GROUP/NODE/DEVICE, and path the name of a metric"},
		{key: "decimal", kind: kindText, def: "point", allowed: []string{"point", "comma"}, doc: "decimal sign of numbers in texts"},
		{key: "time_path", kind: kindText, doc: "member of a JSON payload with the time of its values: seconds, milliseconds or microseconds since 1970, or ISO 8601"},
		{key: "availability", kind: kindObjects, sub: availabilityObject(), doc: "topics on which devices tell whether they are there, or such a topic alone"},
		{key: "rebirth", kind: kindBool, def: "false", doc: "ask a Sparkplug node to introduce itself again when its messages can not be understood: the only message the gateway ever sends"},
		{key: "rebirth_every", kind: kindDuration, def: "5s", min: "1s", max: "1h", doc: "least time between two such requests to one node"},
	}}
}

func availabilityObject() *object {
	return &object{name: "availability", short: "topic", fields: []*field{
		{key: "topic", kind: kindText, required: true, doc: "it is a topic such as tele/{device}/LWT; {device} stands for one level, and the topic concerns the tags with the same text at that level, without it all tags of the connection"},
		{key: "path", kind: kindText, doc: "member of a JSON payload; without it the whole payload"},
		{key: "offline", kind: kindText, def: "offline", doc: "payload that means away, in any case of letters; everything else means there"},
	}}
}
