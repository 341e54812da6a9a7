// The play of play.ts with nshafer/phx.
package main

import (
	"bufio"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/nshafer/phx"
)

var answers = bufio.NewReader(os.Stdin)
var address, peer, topic string

func step(done string) { fmt.Println("STEP " + done) }

func fail(problem any) {
	fmt.Println("failed:", problem)
	os.Exit(1)
}

func must[T any](value T, err error) T {
	if err != nil {
		fail(err)
	}
	return value
}

func control(what string) string {
	fmt.Println("CTL " + what)
	return strings.TrimSpace(must(answers.ReadString('\n')))
}

func socketOf(kind string) *phx.Socket {
	endPoint := must(url.Parse(address))
	endPoint.RawQuery = url.Values{"token": {control("token " + kind)}}.Encode()
	socket := phx.NewSocket(endPoint)
	socket.ReconnectAfterFunc = func(int) time.Duration { return 50 * time.Millisecond }
	return socket
}

// answered waits for the reply to a push: its status and the reason of an error.
func answered(push *phx.Push) string {
	reply := make(chan string, 3)
	for _, status := range []string{"ok", "error", "timeout"} {
		status := status
		push.Receive(status, func(response any) {
			fields, _ := response.(map[string]any)
			reason, _ := fields["reason"].(string)
			reply <- strings.TrimSpace(status + " " + reason)
		})
	}
	return <-reply
}

func ok(push *phx.Push) {
	if reply := answered(push); reply != "ok" {
		fail(reply)
	}
}

// listen returns the contents of all messages that the channel hears from now on.
func listen(channel *phx.Channel) chan string {
	heard := make(chan string, 100)
	channel.On("new_message", func(payload any) {
		message := payload.(map[string]any)["message"].(map[string]any)
		heard <- message["content"].(string)
	})
	return heard
}

func hears(heard chan string, content string) {
	control("send " + content)
	for said := range heard {
		if said == "unheard" {
			fail("heard after it left")
		}
		if said == content {
			break
		}
	}
	step("receive " + content)
}

// seen is told once the peer is in a presence.
func seen(channel *phx.Channel) chan bool {
	online := make(chan bool, 100)
	tell := func(users any) {
		if _, isThere := users.(map[string]any)[peer]; isThere {
			online <- true
		}
	}
	channel.On("presence_state", tell)
	channel.On("presence_diff", func(diff any) { tell(diff.(map[string]any)["joins"]) })
	return online
}

func main() {
	address, peer, topic = os.Args[1], os.Args[3], os.Args[4]
	playConversation()
	playExpiry()
	playRefusal()
}

func playConversation() {
	socket := socketOf("good")
	if err := socket.Connect(); err != nil {
		fail(err)
	}
	first := socket.Channel(topic, nil)
	heard, online := listen(first), seen(first)
	ok(must(first.Join()))
	step("join")
	ok(must(first.Push("new_message", map[string]any{"content": "from the client", "client_random": 7})))
	step("send")
	hears(heard, "hello")
	// A map of strings, as Go programs like to have them.
	ok(must(first.Push("message_read", map[string]string{"seq": "2"})))
	step("read")
	control("peer")
	<-online
	step("presence")
	large := must(first.Push("new_message", map[string]string{"content": strings.Repeat("x", 600_000)}))
	if reply := answered(large); reply != "error payload_too_large" {
		fail(reply)
	}
	step("large")
	ok(must(first.Leave()))
	if err := first.Remove(); err != nil {
		fail(err)
	}
	control("send unheard")
	step("leave")
	// What a Go program resumes with: it can only give strings.
	second := socket.Channel(topic, map[string]string{"since_seq": "3", "since_rev": "3"})
	heardAgain := listen(second)
	joined := make(chan bool, 100)
	second.OnJoin(func(any) { joined <- true })
	ok(must(second.Join()))
	<-joined
	step("rejoin")
	hears(heardAgain, "again")
	control("kill")
	<-joined
	step("return")
	hears(heardAgain, "back")
	if err := socket.Disconnect(); err != nil {
		fail(err)
	}
}

func playExpiry() {
	socket := socketOf("short")
	closed := make(chan bool, 100)
	socket.OnClose(func() { closed <- true })
	socket.OnError(func(error) { closed <- true })
	if err := socket.Connect(); err != nil {
		fail(err)
	}
	ok(must(socket.Channel(topic, nil).Join()))
	<-closed
	step("expired")
	_ = socket.Disconnect()
}

func playRefusal() {
	socket := socketOf("bad")
	refused := make(chan bool, 100)
	socket.OnOpen(func() { fail("a bad token was let in") })
	socket.OnError(func(error) { refused <- true })
	_ = socket.Connect()
	<-refused
	<-refused
	step("refused")
}
