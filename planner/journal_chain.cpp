#include <orkestra/core/hash.h>
#include <orkestra/planner/journal_chain.h>

namespace orkestra::planner {
namespace {

void add(std::string& form, std::string_view field) {
  form += std::to_string(field.size());
  form += ':';
  form += field;
  form += '\n';
}

void add(std::string& form, std::int64_t field) {
  add(form, std::string_view(std::to_string(field)));
}

}  // namespace

std::string chain_form(const ChainFields& fields) {
  std::string form = "orkestra event 1\n";
  add(form, fields.run);
  add(form, fields.seq);
  add(form, fields.epoch);
  add(form, fields.branch);
  add(form, fields.kind);
  add(form, fields.version);
  add(form, fields.at_ms);
  add(form, fields.label);
  add(form, fields.body_hash);
  add(form, fields.prev_hash);
  return form;
}

std::string chain_hash(const ChainFields& fields) { return sha256_hex(chain_form(fields)); }

}  // namespace orkestra::planner
