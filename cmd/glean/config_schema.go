package main

import "glean/internal/document"

// limitMost is the largest value of a limit.
const limitMost = 1 << 30

var portEntrySchema = document.OwnObject("ports", "a port, like --port ID=KIND:ARG",
	document.Required("id", document.TextOf("id", "")),
	document.Required("kind", document.WordOf([]string{"tap", "packet", "wire"}, "", "")),
	document.Required("arg", document.TextOf("", "the device or wire, with options: NAME[,queues=N][,persist][,mtu=N]")),
)

var limitsSchema = document.OwnObject("limits", "largest number of each resource; an absent limit has its default",
	limit("ports", ""),
	limit("interfaces", ""),
	limit("generators", ""),
	limit("generator_results", "kept results"),
	limit("learning_requests", ""),
	limit("events", "events kept for clients that connect again"),
	limit("retain_learning", "learning requests kept after their end"),
	limit("retain_learning_s", "seconds for which ended learning requests are kept"),
	limit("retain_results", "generator results kept after their end"),
	limit("retain_results_s", "seconds for which ended generator results are kept"),
	document.Optional("memory", document.TextOf("number with a unit, for example 512MiB", "budget for everything that clients make, at least 16MiB; default: 1GiB or a quarter of the machine's memory, whichever is smaller")),
)

func limit(name, about string) document.Member {
	return document.Optional(name, document.Number(1, limitMost, about))
}

// configSchema describes the configuration file.
var configSchema = document.OwnObject("file", "the configuration file (YAML)",
	document.Optional("listen", document.TextOf("address:port", "address of the REST API")),
	document.Optional("ports", document.ListOf(portEntrySchema, 0, 0, "")),
	document.Optional("resources", &document.Schema{Type: document.TypeObject, About: "\"/collection/id\": the body of a POST to the collection"}),
	document.Optional("limits", limitsSchema),
)
