package api

// Neighbor is an entry of the neighbor cache.
type Neighbor struct {
	InterfaceID string   `json:"interface_id"`
	VLANIDs     []uint16 `json:"vlan_ids"`
	IPAddress   string   `json:"ip_address"`
	MACAddress  *string  `json:"mac_address"` // nil if it is unknown
	State       string   `json:"state"`
	IsRouter    bool     `json:"is_router"`
	UpdatedAt   string   `json:"updated_at"`   // RFC 3339
	ConfirmedAt *string  `json:"confirmed_at"` // RFC 3339; nil if no answer has confirmed the MAC
}
