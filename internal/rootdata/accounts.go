package rootdata

import "fmt"

// Home is the home directory of the user of Passwd. It equals distroless', so
// that moving between the two bases moves no file.
const Home = "/home/nonroot"

// User is the name that Passwd and Group give to a user or group other than root.
const User = "nonroot"

// Passwd is /etc/passwd with root and, unless uid is 0, the user of the image. No
// account has a shell or a password.
func Passwd(uid, gid int) []byte {
	text := "root:x:0:0:root:/root:/sbin/nologin\n"
	if uid != 0 {
		text += fmt.Sprintf("%s:x:%d:%d:%s:%s:/sbin/nologin\n", User, uid, gid, User, Home)
	}
	return []byte(text)
}

// Group is /etc/group with root and, unless gid is 0, the group of the image.
func Group(gid int) []byte {
	text := "root:x:0:\n"
	if gid != 0 {
		text += fmt.Sprintf("%s:x:%d:\n", User, gid)
	}
	return []byte(text)
}
