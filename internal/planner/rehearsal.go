package planner

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/plimsoll-build/plimsoll/internal/plan"
	"github.com/plimsoll-build/plimsoll/internal/spec"
)

// defaultRehearsal is how long a service is watched if runtime.rehearse.for does not say.
const defaultRehearsal = 2 * time.Second

// Rehearsal is the rehearsal that a spec asks for of the image of one of its plans; nil if
// it asks for none. It is no part of the plan: nothing of it reaches the image.
func Rehearsal(s spec.Service, p plan.Plan) (*plan.Rehearsal, error) {
	asked := s.Runtime.Rehearse
	if asked == nil {
		return nil, nil
	}
	config := p.Config.Config
	r := &plan.Rehearsal{
		Argv: append(append([]string{}, config.Entrypoint...), config.Cmd...),
		Env:  config.Env, Dir: config.WorkingDir, For: defaultRehearsal, Expect: plan.ExpectReady,
		MemoryMax: int64(s.Runtime.Memory.Max), CPUMax: int64(s.Runtime.CPU.Max), Cgroup2: s.Runtime.Cgroup == "v2",
	}
	if asked.Args != nil {
		r.Argv = append(append([]string{}, config.Entrypoint...), asked.Args...)
	}
	if asked.Expect != "" {
		r.Expect = asked.Expect
	}
	var err error
	if asked.For != "" {
		if r.For, err = time.ParseDuration(asked.For); err != nil {
			return nil, fmt.Errorf("runtime.rehearse.for: %w", err)
		}
	}
	if r.UID, r.GID, err = numericUser(config.User); err != nil {
		return nil, fmt.Errorf("rehearsing as the image's user: %w", err)
	}
	return r, nil
}

// numericUser splits UID[:GID]; without a group it is 0, as runtimes take it.
func numericUser(user string) (uid, gid int, err error) {
	if user == "" {
		return 0, 0, nil
	}
	first, second, found := strings.Cut(user, ":")
	if uid, err = strconv.Atoi(first); err != nil {
		return 0, 0, fmt.Errorf("%q is not numeric", user)
	}
	if found {
		if gid, err = strconv.Atoi(second); err != nil {
			return 0, 0, fmt.Errorf("%q is not numeric", user)
		}
	}
	return uid, gid, nil
}
