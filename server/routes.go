package server

// routes lists every operation. A test compares the list with openapi.yaml.
func routes() []route {
	return []route{
		{method: "GET", pattern: "/ports", handle: (*Server).listPorts, query: []string{"kind"}},
		{method: "POST", pattern: "/ports", handle: (*Server).createPort},
		{method: "GET", pattern: "/ports/{id}", handle: (*Server).getPort},
		{method: "PUT", pattern: "/ports/{id}", handle: (*Server).putPort},
		{method: "DELETE", pattern: "/ports/{id}", handle: (*Server).deletePort},
		{method: "POST", pattern: "/ports/{id}/reattach", handle: (*Server).reattachPort},

		{method: "GET", pattern: "/interfaces", handle: (*Server).listInterfaces, query: []string{"port_id", "eth_mac_address", "ipv4_address", "ipv6_address"}},
		{method: "POST", pattern: "/interfaces", handle: (*Server).createInterface},
		{method: "GET", pattern: "/interfaces/{id}", handle: (*Server).getInterface},
		{method: "DELETE", pattern: "/interfaces/{id}", handle: (*Server).deleteInterface},
		{method: "POST", pattern: "/interfaces/x/bulk-create", handle: (*Server).bulkCreateInterfaces},
		{method: "POST", pattern: "/interfaces/x/bulk-delete", handle: (*Server).bulkDeleteInterfaces},

		{method: "GET", pattern: "/generators", handle: (*Server).listGenerators, packet: true, query: []string{"target_id"}},
		{method: "POST", pattern: "/generators", handle: (*Server).createGenerator, packet: true},
		{method: "DELETE", pattern: "/generators", handle: (*Server).deleteGenerators, packet: true},
		{method: "GET", pattern: "/generators/{id}", handle: (*Server).getGenerator, packet: true},
		{method: "DELETE", pattern: "/generators/{id}", handle: (*Server).deleteGenerator, packet: true, query: []string{"force"}},
		{method: "POST", pattern: "/generators/{id}/start", handle: (*Server).startGenerator, packet: true},
		{method: "POST", pattern: "/generators/{id}/stop", handle: (*Server).stopGenerator, packet: true},
		{method: "GET", pattern: "/generators/{id}/learning", handle: (*Server).generatorLearning, packet: true},
		{method: "POST", pattern: "/generators/{id}/learning/start", handle: (*Server).startGeneratorLearning, packet: true},
		{method: "POST", pattern: "/generators/{id}/learning/retry", handle: (*Server).retryGeneratorLearning, packet: true},
		{method: "POST", pattern: "/generators/{id}/learning/stop", handle: (*Server).stopGeneratorLearning, packet: true},
		{method: "POST", pattern: "/generators/x/bulk-create", handle: (*Server).bulkCreateGenerators, packet: true},
		{method: "POST", pattern: "/generators/x/bulk-delete", handle: (*Server).bulkDeleteGenerators, packet: true},
		{method: "POST", pattern: "/generators/x/bulk-start", handle: (*Server).bulkStartGenerators, packet: true},
		{method: "POST", pattern: "/generators/x/bulk-stop", handle: (*Server).bulkStopGenerators, packet: true},
		{method: "POST", pattern: "/generators/x/toggle", handle: (*Server).toggleGenerators, packet: true},

		{method: "GET", pattern: "/generator-results", handle: (*Server).listResults, packet: true, query: []string{"generator_id", "target_id"}},
		{method: "DELETE", pattern: "/generator-results", handle: (*Server).deleteResults, packet: true},
		{method: "GET", pattern: "/generator-results/{id}", handle: (*Server).getResult, packet: true},
		{method: "DELETE", pattern: "/generator-results/{id}", handle: (*Server).deleteResult, packet: true},

		{method: "GET", pattern: "/tx-flows", handle: (*Server).listFlows, packet: true, query: []string{"generator_id", "target_id"}},
		{method: "GET", pattern: "/tx-flows/{id}", handle: (*Server).getFlow, packet: true},

		{method: "GET", pattern: "/learning", handle: (*Server).listLearning, packet: true, query: []string{"generator_id", "state"}},
		{method: "POST", pattern: "/learning", handle: (*Server).startLearning, packet: true},
		{method: "DELETE", pattern: "/learning", handle: (*Server).deleteFinishedLearning, packet: true},
		{method: "GET", pattern: "/learning/plan", handle: (*Server).learningPlan, packet: true, query: []string{"generator_id"}},
		{method: "GET", pattern: "/learning/{id}", handle: (*Server).getLearning, packet: true},
		{method: "DELETE", pattern: "/learning/{id}", handle: (*Server).deleteLearning, packet: true},
		{method: "GET", pattern: "/learning-results", handle: (*Server).listLearningResults, packet: true},
		{method: "DELETE", pattern: "/learning-results", handle: (*Server).deleteLearningResults, packet: true},
		{method: "GET", pattern: "/learning-results/{id}", handle: (*Server).getLearningResult, packet: true, query: []string{"state", "limit", "after"}},
		{method: "DELETE", pattern: "/learning-results/{id}", handle: (*Server).deleteLearningResult, packet: true},

		{method: "GET", pattern: "/neighbors", handle: (*Server).listNeighbors, query: []string{"interface_id", "state", "ip_address", "limit", "after"}},
		{method: "DELETE", pattern: "/neighbors", handle: (*Server).flushNeighbors, query: []string{"interface_id"}},

		{method: "GET", pattern: "/stacks", handle: (*Server).listStacks},
		{method: "GET", pattern: "/stacks/{id}", handle: (*Server).getStack},
		{method: "GET", pattern: "/modules", handle: (*Server).listModules},
		{method: "GET", pattern: "/modules/{module}", handle: (*Server).getModule},
		{method: "GET", pattern: "/version", handle: (*Server).getVersion},

		{method: "GET", pattern: "/events", handle: (*Server).streamEvents, query: []string{"type", "last_event_id"}},
		{method: "GET", pattern: "/metrics", handle: (*Server).metrics},
		{method: "GET", pattern: "/openapi.yaml", handle: (*Server).openAPI},
		{method: "GET", pattern: "/docs", handle: (*Server).docs},
	}
}
