/** One emoji and the words that find it. */
export interface Emoji {
  readonly emoji: string;
  readonly words: string;
}

export interface EmojiGroup {
  readonly name: string;
  readonly emoji: readonly Emoji[];
}

/** `emoji word word,emoji word …`: enough for an answer to anything. Any other emoji can be typed into the search. */
const groups: readonly (readonly [string, string])[] = [
  [
    "Smileys",
    "😀 grin happy,😃 smile happy,😄 laugh happy,😁 beam teeth,😆 laugh haha,😅 sweat relief,🤣 rofl laugh floor,😂 joy laugh tears,🙂 slight smile,🙃 upside down,😉 wink,😊 blush smile,😇 angel innocent,🥰 love hearts,😍 heart eyes love,🤩 star wow,😘 kiss,😋 yum tasty,😛 tongue,😜 wink tongue crazy,🤪 zany crazy,🤗 hug,🤭 oops giggle,🤫 quiet shush,🤔 think hmm,🫡 salute yes sir,🤐 zip secret,🤨 doubt eyebrow,😐 neutral,😑 expressionless,😶 silent,😏 smirk,😒 unamused,🙄 eye roll,😬 grimace awkward,🤥 lie,😌 relieved calm,😔 sad pensive,😴 sleep tired,🤒 ill sick,🤕 hurt,🤢 disgust,🤮 vomit,🤧 sneeze cold,🥵 hot,🥶 cold freezing,🥴 dizzy drunk,🤯 mind blown explode,🤠 cowboy,🥳 party celebrate,😎 cool sunglasses,🤓 nerd,🧐 monocle inspect,😕 confused,😟 worried,🙁 frown sad,😮 wow surprise open,😯 hushed,😲 astonished,😳 flushed embarrassed,🥺 please puppy,😨 fear,😰 anxious,😥 sad relieved,😢 cry sad tear,😭 sob cry,😱 scream shock,😖 confounded,😞 disappointed,😩 weary,😫 tired,🥱 yawn bored,😤 huff triumph,😡 angry rage,🤬 swear curse,😈 devil,💀 skull dead,💩 poop,🤡 clown,👻 ghost boo,👽 alien,🤖 robot bot",
  ],
  [
    "Hands and people",
    "👍 thumbs up yes like good,👎 thumbs down no dislike bad,👌 ok perfect,🤌 pinched,✌️ peace victory,🤞 luck fingers crossed,🤟 love you,🤘 rock,🤙 call,👈 left,👉 right,👆 up,👇 down,☝️ one point,👋 wave hello bye,✋ stop hand,🖖 vulcan spock,👏 clap applause bravo,🙌 hooray praise hands,🫶 heart hands love,🙏 thanks please pray,🤝 deal handshake agree,💪 strong muscle,✍️ write,👀 eyes look see,🧠 brain smart,🙋 me raise hand,🤷 shrug dunno,🤦 facepalm,🙅 no way,🙆 ok,💁 info,🏃 run,💃 dance,🕺 dance,👶 baby,🧑‍💻 code developer computer,👮 police,🧙 wizard magic,🦸 hero,👑 crown king queen",
  ],
  [
    "Hearts and signs",
    "❤️ heart love red,🧡 heart orange,💛 heart yellow,💚 heart green,💙 heart blue,💜 heart purple,🖤 heart black,🤍 heart white,💔 broken heart,❤️‍🔥 heart fire,💯 hundred perfect,💥 boom,💫 dizzy star,💦 sweat drops,💤 sleep zzz,✅ check done yes,☑️ check done,✔️ check yes,❌ cross no wrong,❗ important,❓ question,⚠️ warning,⛔ stop forbidden,♻️ recycle again,➕ plus add,➖ minus,🔴 red,🟡 yellow,🟢 green,🔵 blue,⭐ star,🌟 star glow,✨ sparkles new,🔥 fire hot lit,⚡ lightning fast,🎵 music note,🔔 bell,🔕 mute bell,💬 speech talk,👁️ eye",
  ],
  [
    "Animals and nature",
    "🐶 dog,🐱 cat,🐭 mouse,🐰 rabbit,🦊 fox,🐻 bear,🐼 panda,🐨 koala,🐯 tiger,🦁 lion,🐮 cow,🐷 pig,🐸 frog,🐵 monkey,🙈 see no evil monkey,🙉 hear no evil monkey,🙊 speak no evil monkey,🐔 chicken,🐧 penguin,🦉 owl,🦄 unicorn,🐝 bee,🐛 bug,🦋 butterfly,🐌 snail slow,🐢 turtle slow,🐙 octopus,🐬 dolphin,🐳 whale,🦈 shark,🐘 elephant,🌹 rose flower,🌻 sunflower,🌸 blossom,🌱 seedling grow,🌲 tree,🍀 clover luck,🌍 earth world,🌙 moon night,☀️ sun,⛅ cloud,🌧️ rain,❄️ snow,🌈 rainbow,🌊 wave sea",
  ],
  [
    "Food",
    "🍎 apple,🍌 banana,🍓 strawberry,🍒 cherry,🍉 melon,🥑 avocado,🍅 tomato,🥕 carrot,🌽 corn,🍞 bread,🥐 croissant,🧀 cheese,🍕 pizza,🍔 burger,🍟 fries,🌮 taco,🍜 noodles,🍣 sushi,🍪 cookie,🎂 cake birthday,🍰 cake,🍫 chocolate,🍿 popcorn,🍦 ice cream,☕ coffee,🍵 tea,🍺 beer,🍻 cheers beer,🍷 wine,🥂 cheers toast,🍾 champagne",
  ],
  [
    "Things and places",
    "🎉 party tada celebrate,🎊 confetti,🎁 gift present,🎈 balloon,🏆 trophy win,🥇 gold first,🥈 silver second,🥉 bronze third,⚽ football soccer,🏀 basketball,🎾 tennis,🎮 game,🎲 dice,🎯 target bullseye,🎨 art,🎬 film,🎤 sing,🎸 guitar,📷 photo,💻 computer laptop,📱 phone,⏰ alarm clock,⏳ wait time,📅 calendar date,📌 pin,📎 attach clip,✏️ pencil,📝 note memo,📚 books read,📈 up chart,📉 down chart,🔒 lock secret,🔑 key,🔨 hammer,🔧 tool fix,🧪 test,💡 idea light,💰 money,💎 gem,📦 package ship,🚀 rocket ship launch,✈️ plane travel,🚗 car,🚲 bike,🏠 home house,🏖️ beach holiday,⛰️ mountain,🏁 finish flag,🚩 red flag,🏳️‍🌈 pride rainbow flag",
  ],
];

export const emojiGroups: readonly EmojiGroup[] = groups.map(([name, text]) => ({
  name,
  emoji: text.split(",").map((entry) => {
    const [emoji = "", ...words] = entry.split(" ");
    return { emoji, words: words.join(" ") };
  }),
}));

/** Offered beside every message. */
export const quickReactions = ["👍", "❤️", "😂", "🎉", "😮", "🙏"] as const;

const pictured = /^(?:\p{Extended_Pictographic}|\p{Regional_Indicator}{2}|[0-9#*]\ufe0f?\u20e3)/u;

/** Groups with what each typed word begins a word of; an emoji that was typed or pasted is found itself, also where it is not listed. */
export function findEmoji(query: string): readonly EmojiGroup[] {
  const wanted = query.trim().toLowerCase();
  if (pictured.test(wanted)) return [{ name: "This one", emoji: [{ emoji: wanted, words: "" }] }];
  const words = wanted.split(/\s+/);
  const fits = ({ words: own }: Emoji) => words.every((word) => ` ${own}`.includes(` ${word}`));
  return emojiGroups
    .map(({ name, emoji }) => ({ name, emoji: emoji.filter(fits) }))
    .filter(({ emoji }) => emoji.length > 0);
}
