package facts

import (
	"net/url"
	"strings"
)

// PublicURL is a remote without what must not become a label: the user and password of a
// URL. The user of an SSH remote ("git@") is kept, since it is a part of the address.
func PublicURL(remote string) string {
	if !strings.Contains(remote, "://") {
		return remote
	}
	u, err := url.Parse(remote)
	if err != nil {
		return ""
	}
	if u.Scheme == "ssh" && u.User != nil {
		u.User = url.User(u.User.Username())
	} else {
		u.User = nil
	}
	return u.String()
}
