package facts

import (
	"net/url"
	"strings"
)

// PublicURL is a remote without what must not become a label: the user and password of a
// URL. The user of an SSH remote ("git@") is kept, since it is a part of the address. A path
// of this machine is no address: it is empty.
func PublicURL(remote string) string {
	if !strings.Contains(remote, "://") {
		// As git tells HOST:PATH from a path; one letter is a drive.
		if host, _, ok := strings.Cut(remote, ":"); !ok || strings.ContainsAny(host, `/\`) || len(host) == 1 {
			return ""
		}
		return remote
	}
	u, err := url.Parse(remote)
	if err != nil || u.Scheme == "file" {
		return ""
	}
	if u.Scheme == "ssh" && u.User != nil {
		u.User = url.User(u.User.Username())
	} else {
		u.User = nil
	}
	return u.String()
}
