// Every word of the widget itself, by language. What the assistant says comes from the server.

export interface Strings {
  title: string;
  subtitle: string;
  launcher: string;
  unread: (count: number) => string;
  close: string;
  conversation: string;
  welcome: string;
  welcomeHint: string;
  suggestions: string[];
  placeholder: string;
  send: string;
  left: (count: number) => string;
  tooLong: (count: number) => string;
  you: string;
  assistant: string;
  sending: string;
  sent: string;
  failed: string;
  typing: string;
  choices: string;
  chosen: string;
  newTab: string;
  enlarge: string;
  asText: string;
  closePicture: string;
  newMessages: (count: number) => string;
  offline: string;
  reconnecting: string;
  busy: string;
  ended: string;
  emergency: (number: string) => string;
}

const en: Strings = {
  title: "Chat assistant",
  subtitle: "Automated assistant",
  launcher: "Chat with us",
  unread: (count) => (count === 1 ? "1 new message" : `${count} new messages`),
  close: "Close chat",
  conversation: "Conversation",
  welcome: "Hi! How can we help?",
  welcomeHint: "Ask in your own words, or start with one of these.",
  suggestions: ["Show my latest labs", "Refill a medicine", "What can you do?"],
  placeholder: "Write a message",
  send: "Send",
  left: (count) => (count === 1 ? "1 character left" : `${count} characters left`),
  tooLong: (count) => (count === 1 ? "1 character too long" : `${count} characters too long`),
  you: "You:",
  assistant: "Assistant:",
  sending: "Sending…",
  sent: "Sent",
  failed: "Not sent. Tap to try again",
  typing: "The assistant is typing",
  choices: "Choices",
  chosen: "your choice",
  newTab: "opens in a new tab",
  enlarge: "Make the picture bigger",
  asText: "Show as text",
  closePicture: "Close the picture",
  newMessages: (count) => (count === 1 ? "1 new message" : `${count} new messages`),
  offline: "You are offline. Your messages will go out when you are back.",
  reconnecting: "Connecting…",
  busy: "Many people are writing right now. Your message goes out by itself in a moment.",
  ended: "Your last chat ended to keep your information private. You can go on here.",
  emergency: (number) => `In an emergency, call ${number}.`,
};

const es: Strings = {
  title: "Asistente de chat",
  subtitle: "Asistente automático",
  launcher: "Chatee con nosotros",
  unread: (count) => (count === 1 ? "1 mensaje nuevo" : `${count} mensajes nuevos`),
  close: "Cerrar el chat",
  conversation: "Conversación",
  welcome: "¡Hola! ¿En qué podemos ayudarle?",
  welcomeHint: "Pregunte con sus propias palabras o empiece con una de estas.",
  suggestions: ["Ver mis últimos análisis", "Volver a surtir una medicina", "¿Qué puede hacer?"],
  placeholder: "Escriba un mensaje",
  send: "Enviar",
  left: (count) => (count === 1 ? "Queda 1 carácter" : `Quedan ${count} caracteres`),
  tooLong: (count) => (count === 1 ? "Sobra 1 carácter" : `Sobran ${count} caracteres`),
  you: "Usted:",
  assistant: "Asistente:",
  sending: "Enviando…",
  sent: "Enviado",
  failed: "No se envió. Toque para intentar otra vez",
  typing: "El asistente está escribiendo",
  choices: "Opciones",
  chosen: "su respuesta",
  newTab: "se abre en otra pestaña",
  enlarge: "Ver la imagen más grande",
  asText: "Ver como texto",
  closePicture: "Cerrar la imagen",
  newMessages: (count) => (count === 1 ? "1 mensaje nuevo" : `${count} mensajes nuevos`),
  offline: "No tiene conexión. Sus mensajes saldrán cuando vuelva.",
  reconnecting: "Conectando…",
  busy: "Hay mucha gente escribiendo ahora. Su mensaje saldrá solo en un momento.",
  ended: "Su último chat terminó para proteger su información. Puede seguir aquí.",
  emergency: (number) => `En una emergencia, llame al ${number}.`,
};

const languages: Record<string, Strings> = { en, es };

/** The first of `wanted` (BCP 47 tags) that the widget speaks, else English. */
export function chooseLanguage(wanted: readonly string[]): string {
  const bases = wanted.map((tag) => tag.toLowerCase().split("-")[0] ?? "");
  return bases.find((base) => base in languages) ?? "en";
}

export function stringsFor(language: string): Strings {
  return languages[language] ?? en;
}
