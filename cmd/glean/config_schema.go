package main

import "glean/internal/document"

// limitMost is the most that a limit may be set to.
const limitMost = 1 << 30

var portEntrySchema = document.OwnObject("ports", "one port, as --port ID=KIND:ARG",
	document.Required("id", document.TextOf("id", "")),
	document.Required("kind", document.WordOf([]string{"tap", "packet", "wire"}, "", "")),
	document.Required("arg", document.TextOf("", "the device or wire, with options: NAME[,queues=N][,persist][,mtu=N]")),
)

var limitsSchema = document.OwnObject("limits", "how many of each there may be; what is not given has its default",
	limit("ports", ""),
	limit("interfaces", ""),
	limit("generators", ""),
	limit("generator_results", "results that are kept"),
	limit("learning_requests", ""),
	limit("events", "events that are kept for clients that come back"),
	limit("retain_learning", "learning requests that are kept after their end"),
	limit("retain_learning_s", "seconds for which they are kept"),
	limit("retain_results", "generator results that are kept after their end"),
	limit("retain_results_s", "seconds for which they are kept"),
	document.Optional("memory", document.TextOf("number with a unit, as 512MiB", "what all that clients make may take, at least 16MiB; the smaller of 1GiB and a quarter of the machine's if absent")),
)

func limit(name, about string) document.Member {
	return document.Optional(name, document.Number(1, limitMost, about))
}

// configSchema describes the configuration file.
var configSchema = document.OwnObject("file", "the configuration file (YAML)",
	document.Optional("listen", document.TextOf("address:port", "of the REST API")),
	document.Optional("ports", document.ListOf(portEntrySchema, 0, 0, "")),
	document.Optional("resources", &document.Schema{Type: document.TypeObject, About: "\"/collection/id\": the body that would be POSTed to the collection"}),
	document.Optional("limits", limitsSchema),
)
