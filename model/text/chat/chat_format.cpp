#include <orkestra/core/clock.h>
#include <orkestra/core/error.h>
#include <orkestra/model/text/chat/chat_context.h>
#include <orkestra/model/text/chat/chat_format.h>
#include <orkestra/model/text/chat/tool_call_text.h>
#include <orkestra/model/text/jinja/jinja.h>

#include <algorithm>
#include <array>
#include <utility>

namespace orkestra::model {
namespace {

using jinja::byte_of;
using jinja::source_of;
using jinja::Text;
using jinja::TextView;

// For files without a template: ChatML where the vocabulary has its tokens, plain lines elsewhere.
constexpr std::string_view kChatMl =
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}"
    "{% for c in m.tool_calls or [] %}<tool_call>{{ c.function | tojson }}</tool_call>{% endfor %}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
constexpr std::string_view kPlain =
    "{{ bos_token }}{% for m in messages %}{{ m.role }}: {{ m.content }}"
    "{% for c in m.tool_calls or [] %}<tool_call>{{ c.function | tojson }}</tool_call>{% endfor %}"
    "\n{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}";

struct Source {
  std::string text;
  std::string_view origin;
};

Source chosen_source(const std::string& from_file, const Tokenizer& tokenizer) {
  if (!from_file.empty()) return {from_file, "file"};
  const bool chat_ml = tokenizer.find("<|im_start|>") >= 0 && tokenizer.find("<|im_end|>") >= 0;
  return chat_ml ? Source{std::string(kChatMl), "chatml"} : Source{std::string(kPlain), "plain"};
}

class TemplateFormat final : public ChatFormat {
 public:
  TemplateFormat(std::shared_ptr<const Tokenizer> tokenizer, const Source& source)
      : tokenizer_(std::move(tokenizer)), template_(jinja::Template::compile(source.text)) {
    const CallProbe probe = probe_calls(*template_, *tokenizer_);
    traits_ = {.calls = detect_tool_call_style(source.text, probe.rendered),
               .reasoning = detect_reasoning(source.text),
               .origin = source.origin};
    argument_form_ = traits_.calls == ToolCallStyle::kNano ? ArgumentForm::kWholeCall : probe.form;
    for (TokenId id = 0; id < tokenizer_->size(); ++id) {
      const std::string_view piece = tokenizer_->piece(id);
      const bool marker = tokenizer_->kind(id) == TokenKind::kUserDefined && is_marker(piece);
      if (marker) markers_.push_back(id);
      if ((marker || tokenizer_->kind(id) == TokenKind::kControl) && !piece.empty()) {
        reserved_[static_cast<std::uint8_t>(piece.front())].push_back(id);
      }
    }
    for (std::vector<TokenId>& ids : reserved_) {
      std::stable_sort(ids.begin(), ids.end(), [&](TokenId a, TokenId b) {
        return tokenizer_->piece(a).size() > tokenizer_->piece(b).size();
      });
    }
  }

  EncodedPrompt encode(const Conversation& conversation,
                       const std::string& model_id) const override {
    Generated generated = generated_turns(conversation, model_id);
    const Text text = render_settled(conversation, generated);
    return tokenized(text, conversation, generated);
  }

  std::string render(const Conversation& conversation) const override {
    return jinja::to_bytes(render_text(conversation, Generated(conversation.turns().size())));
  }

  const ChatTraits& traits() const override { return traits_; }

 private:
  using Generated = std::vector<bool>;  // [turns] stands for its own ids

  Generated generated_turns(const Conversation& conversation, const std::string& model_id) const {
    Generated generated;
    for (const auto& turn : conversation.turns()) {
      const auto& own = turn->generated;
      bool usable = own && own->model_id == model_id && turn->role == Role::kAssistant;
      for (std::size_t i = 0; usable && i < own->ids.size(); ++i) {
        usable = own->ids[i] >= 0 && own->ids[i] < tokenizer_->size();
      }
      generated.push_back(usable);
    }
    return generated;
  }

  Text render_text(const Conversation& conversation, const Generated& generated) const {
    return template_->render(chat_context(conversation, generated, *tokenizer_, argument_form_),
                             opened_);
  }

  // A template may refuse, drop or repeat a generated turn's stand-in; such turns become text.
  Text render_settled(const Conversation& conversation, Generated& generated) const {
    while (std::find(generated.begin(), generated.end(), true) != generated.end()) {
      try {
        Text text = render_text(conversation, generated);
        if (each_stands_once(text, generated)) return text;
      } catch (const Error& e) {
        if (e.code() != ErrorCode::kInvalid) throw;
        generated.assign(generated.size(), false);
      }
    }
    return render_text(conversation, generated);
  }

  // Whether every generated turn's stand-in occurs once; unmarks those that don't.
  static bool each_stands_once(TextView text, Generated& generated) {
    std::vector<int> seen(generated.size(), 0);
    for (const jinja::Unit unit : text) {
      const std::uint32_t source = source_of(unit);
      if (source > 0 && source <= seen.size()) ++seen[source - 1];
    }
    bool all = true;
    for (std::size_t i = 0; i < seen.size(); ++i) {
      if (generated[i] && seen[i] != 1) generated[i] = all = false;
    }
    return all;
  }

  // The reserved token that the template itself spells at `at`, or -1.
  TokenId reserved_at(TextView text, std::size_t at) const {
    for (const TokenId id : reserved_[byte_of(text[at])]) {
      const std::string_view piece = tokenizer_->piece(id);
      const TextView here = text.substr(at, piece.size());
      if (jinja::same(here, piece) && std::all_of(here.begin(), here.end(), [](jinja::Unit unit) {
            return source_of(unit) == jinja::kTemplateSource;
          })) {
        return id;
      }
    }
    return -1;
  }

  bool is_stop(TokenId id) const {
    return std::binary_search(tokenizer_->stops().begin(), tokenizer_->stops().end(), id);
  }

  EncodedPrompt tokenized(TextView text, const Conversation& conversation,
                          const Generated& generated) const {
    EncodedPrompt prompt;
    std::string run;  // text since the last reserved token
    const auto flush = [&] {
      const std::vector<TokenId> ids = tokenizer_->encode(run, markers_);
      prompt.tokens.insert(prompt.tokens.end(), ids.begin(), ids.end());
      run.clear();
    };
    const std::size_t opening = opening_at(text);
    std::size_t before_opening = 0;  // tokens
    bool in_turn = false;            // something of a message since the last mark
    const auto mark = [&] {
      const std::size_t length = prompt.tokens.size();
      if (length > 0 && (prompt.marks.empty() || prompt.marks.back() < length)) {
        prompt.marks.push_back(length);
      }
      in_turn = false;
    };
    const TokenId first = text.empty() ? -1 : reserved_at(text, 0);
    if (tokenizer_->add_bos() && tokenizer_->bos() >= 0 && first != tokenizer_->bos()) {
      prompt.tokens.push_back(tokenizer_->bos());
    }
    for (std::size_t at = 0; at < text.size();) {
      if (at == opening) {
        flush();
        before_opening = prompt.tokens.size();
      }
      const std::uint32_t source = source_of(text[at]);
      const TokenId reserved = source == jinja::kTemplateSource ? reserved_at(text, at) : -1;
      if (reserved >= 0) {
        flush();
        const bool control = tokenizer_->kind(reserved) == TokenKind::kControl;
        if (control && in_turn && !is_stop(reserved)) mark();
        prompt.tokens.push_back(reserved);
        if (is_stop(reserved)) mark();
        at += tokenizer_->piece(reserved).size();
      } else if (source > 0 && source <= generated.size() && generated[source - 1]) {
        flush();
        const std::vector<TokenId>& ids = conversation.turns()[source - 1]->generated->ids;
        prompt.tokens.insert(prompt.tokens.end(), ids.begin(), ids.end());
        ++at;
        // The turn's end is the template's to write, once.
        const TokenId next = at < text.size() ? reserved_at(text, at) : -1;
        if (!ids.empty() && is_stop(ids.back()) && next >= 0 && is_stop(next)) {
          prompt.tokens.pop_back();
        }
        in_turn = true;
      } else {
        in_turn = in_turn || source != jinja::kTemplateSource;
        run.push_back(static_cast<char>(byte_of(text[at])));
        ++at;
      }
    }
    flush();
    mark();
    if (opening < text.size()) prompt.opening = prompt.tokens.size() - before_opening;
    return prompt;
  }

  // Where the prompt ends in a reasoning marker that the template wrote; the text's size if it
  // does not.
  std::size_t opening_at(TextView text) const {
    const TextView shown = jinja::strip(text, {}, false, true);
    const std::string& begin = traits_.reasoning.begin;
    if (begin.empty() || shown.size() < begin.size()) return text.size();
    const std::size_t at = shown.size() - begin.size();
    const bool own =
        jinja::same(shown.substr(at), begin) &&
        std::all_of(text.begin() + static_cast<std::ptrdiff_t>(at), text.end(),
                    [](jinja::Unit unit) { return source_of(unit) == jinja::kTemplateSource; });
    return own ? at : text.size();
  }

  std::shared_ptr<const Tokenizer> tokenizer_;
  std::shared_ptr<const jinja::Template> template_;
  ChatTraits traits_;
  // What strftime_now tells: when the model was opened, so that one conversation is one prompt.
  std::int64_t opened_ = SystemClock().unix_ms() / 1000;
  ArgumentForm argument_form_ = ArgumentForm::kMapping;
  std::vector<TokenId> markers_;                    // sorted; user-defined, never from messages
  std::array<std::vector<TokenId>, 256> reserved_;  // by first byte, longest first
};

}  // namespace

std::shared_ptr<const ChatFormat> ChatFormat::make(std::shared_ptr<const Tokenizer> tokenizer,
                                                   const std::string& template_source,
                                                   const std::string& model_name) {
  try {
    const Source source = chosen_source(template_source, *tokenizer);
    return std::make_shared<TemplateFormat>(std::move(tokenizer), source);
  } catch (const Error& e) {
    throw Error(e.code(), model_name + ": chat template: " + e.message());
  }
}

}  // namespace orkestra::model
